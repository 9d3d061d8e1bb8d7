{#
Models that are made visitor by visitor keep the rows of visitors for whom nothing changed, whatever came, went or was
corrected (DuckDB; on Spark they are made anew). A row says in `made_of` what it was made of, as a digest. What is there now
is digested too, and where the two differ the rows of that visitor are made anew. So no delivery, no file and no day has to
be known, and rows and what they were made of cannot part.
#}

{# In such a model, before its SQL.

   now     query of visitor_id and digest, over what its rows would be made of now
   held    the same over the rows it holds; of each visitor both give digests of the same `bit_xor`
   beside  names of the small relations that every row is made of: one other row, or other SQL, and all is made anew #}
{% macro keep_by_visitor(now, held, beside=[]) %}
    {{- return(adapter.dispatch('keep_by_visitor', 'marketplace_kpis')(now, held, beside)) -}}
{% endmacro %}

{% macro duckdb__keep_by_visitor(now, held, beside) -%}
    {{- config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='sync_all_columns',
        pre_hook="{% set is_kept = duckdb__is_made_so(" ~ beside ~ ") %}{% if of_touched_visitors() %}"
        ~ " create or replace temporary table touched as select visitor_id"
        ~ " from (" ~ now ~ "{% if is_kept %} union all " ~ held ~ "{% endif %}) as digests"
        ~ " group by visitor_id having bit_xor(digest) <> 0;"
        ~ " delete from {{ this }} {{ of_touched_visitors() if is_kept }} {% endif %}",
        post_hook="comment on table {{ this }} is '{{ duckdb__made_by(" ~ beside ~ ") }}'",
    ) -}}
{%- endmacro %}

{% macro spark__keep_by_visitor(now, held, beside) -%} {%- endmacro %}


{# After `from`: only the visitors whose rows are made now. #}
{% macro of_touched_visitors() -%}
    {%- if is_incremental() -%} {{ touched_visitors() }} {%- endif -%}
{%- endmacro %}

{% macro touched_visitors() -%} where visitor_id in (select visitor_id from touched) {%- endmacro %}


{# The digest of the rows of a group, by all of their columns: whatever their order, and no two changes undo each other.
   Hashed twice, for DuckDB mixes the last column into the hash of a row by a bare xor. #}
{% macro digest_of(rows) %}
    {{- return(adapter.dispatch('digest_of', 'marketplace_kpis')(rows)) -}}
{% endmacro %}

{% macro duckdb__digest_of(rows) -%} bit_xor(hash(hash({{ rows }}))) {%- endmacro %}

{# Nothing is kept there. #}
{% macro spark__digest_of(rows) -%} cast(null as bigint) {%- endmacro %}


{# What the rows of the model being built are made by and beside, as a mark: its SQL and the rows of small relations. #}
{% macro duckdb__made_by(beside) -%}
    {%- set marks = [(model.compiled_code or '') | replace(touched_visitors(), '')] -%}
    {%- for name in beside if execute -%}
        {%- do marks.append(run_query('select ' ~ duckdb__digest_of('beside') ~ ' from ' ~ ref(name) ~ ' as beside').rows[0][0] | string) -%}
    {%- endfor -%}
    {{- return(local_md5(marks | join('|'))) -}}
{%- endmacro %}


{# Whether the rows that the model being built holds were made by and beside the same. #}
{% macro duckdb__is_made_so(beside) -%}
    {%- set query -%}
        select count(*) from duckdb_tables()
        where
            database_name = current_database()
            and schema_name = '{{ this.schema }}'
            and table_name = '{{ this.identifier }}'
            and comment = '{{ duckdb__made_by(beside) }}'
    {%- endset -%}
    {{- return(execute and run_query(query).rows[0][0] == 1) -}}
{%- endmacro %}
