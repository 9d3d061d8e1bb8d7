{# How judged rows become the staging table on each engine. #}

{# Takes the rows that do not count out of a table of judged rows, and the columns of the judgement. #}
{% macro keep_rows(judged, left_out) %}
    {{- return(adapter.dispatch('keep_rows', 'marketplace_kpis')(judged, left_out)) -}}
{% endmacro %}

{% macro duckdb__keep_rows(judged, left_out) %}
    {%- call statement('keep_rows') -%}
        delete from {{ judged }} as judged
        using {{ left_out }} as left_out
        where judged._file_no = left_out._file_no and judged._line = left_out._line;
        {%- for column in ['_file_no', '_line', '_readable', '_column', '_reason', '_content'] %}
        alter table {{ judged }} drop column {{ column }};
        {%- endfor %}
    {%- endcall -%}
{% endmacro %}


{# The rows of Parquet files in the contract's columns, less those left out. #}
{% macro view_rows(batches, columns, left_out) %}
    {{- return(adapter.dispatch('view_rows', 'marketplace_kpis')(batches, columns, left_out)) -}}
{% endmacro %}

{% macro duckdb__view_rows(batches, columns, left_out) -%}
    {%- set some_left_out = query_rows('select 1 as found from ' ~ left_out ~ ' limit 1') | length > 0 -%}
    {%- for batch in batches %}
    select {% for column in columns %}{{ adapter.quote(column.name) }}{{ ', ' if not loop.last }}{% endfor %}
    from ({{ typed_rows(batch, columns) }}) as typed
    {%- if some_left_out %}
    where not exists (
        select 1 from {{ left_out }} as left_out where typed._file_no = left_out._file_no and typed._line = left_out._line
    )
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{# The columns (name, type) and the number of rows of Parquet files, by path. Stops at a file that cannot be read. #}
{% macro examine_parquet(files) %}
    {{- return(adapter.dispatch('examine_parquet', 'marketplace_kpis')(files)) -}}
{% endmacro %}

{% macro duckdb__examine_parquet(files) %}
    {%- set found = {} -%}
    {%- if not files -%}{{- return(found) -}}{%- endif -%}
    {%- set paths = sql_texts(files | map(attribute='path') | list) -%}
    {%- for row in query_rows('select file_name as path, num_rows as rows from parquet_file_metadata(' ~ paths ~ ')') -%}
        {%- do found.update({row.path: {'rows': row.rows, 'columns': []}}) -%}
    {%- endfor -%}
    {#- The schema lists each column before its children; only the outermost are columns of the table. -#}
    {%- set nested = namespace(left=0) -%}
    {%- set query -%}
        select file_name as path, name, coalesce(duckdb_type, 'struct') as type, coalesce(num_children, 0) as children, column_id
        from parquet_schema({{ paths }})
        order by path, column_id
    {%- endset -%}
    {%- for row in query_rows(query) -%}
        {%- if row.column_id == 0 -%}
            {%- set nested.left = 0 -%}
        {%- elif nested.left > 0 -%}
            {%- set nested.left = nested.left - 1 + row.children -%}
        {%- else -%}
            {%- do found[row.path].columns.append({'name': row.name, 'type': row.type}) -%}
            {%- set nested.left = row.children -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}
