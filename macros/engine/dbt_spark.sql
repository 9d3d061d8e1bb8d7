{# Where dbt-spark's own macros fall short of what the models ask for. #}

{# Contracts are held to the letter on DuckDB. Spark counts rows in `int` and dates in `int`; here they are widened to the
   contract's type. #}
{% macro spark__get_assert_columns_equivalent(sql) -%} {%- endmacro %}

{% macro spark__get_select_subquery(sql) %}
    select
        {%- for column in model.columns.values() %}
        cast({{ column.name }} as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        {{ sql }}
    ) as given
{% endmacro %}

{# Parquet holds no constraints; only Delta does. #}
{% macro spark__persist_constraints(relation, model) -%} {%- endmacro %}


{# In the order that is asked for. #}
{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    listagg({{ measure }}, {{ delimiter_text }}) within group ({{ order_by_clause }})
{%- endmacro %}


{# A seed with its nulls and its quotes. #}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model.config.column_types -%}
    {%- set sql -%}
        insert into {{ this }} values
        {%- for row in agate_table.rows %}
        ({% for name in agate_table.column_names -%}
            {%- set value = row[name] -%}
            cast({% if value is none %}null{% else %}'{{ value | string | replace("\\", "\\\\") | replace("'", "\\'") }}'{% endif %} as {{ types[name] }}){{ ', ' if not loop.last }}
        {%- endfor %}){{ ',' if not loop.last }}
        {%- endfor %}
    {%- endset -%}
    {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {{- return(sql) -}}
{% endmacro %}
