{% macro load_extract(table) -%}
    {%- set columns = model.columns.values() -%}
    {%- set folder = setting('extracts_dir') -%}
    {%- set file = folder ~ '/' ~ table ~ '.csv' -%}
    {%- set found = execute and run_query("select file from glob('" ~ file ~ "')").rows | length > 0 -%}
    select
    {%- for column in columns %}
        {%- set source = column.config.meta.get('pii_of', column.name) %}
        {%- set value = 'cast(null as varchar)' if not found else 'sha256("' ~ source ~ '")' if column.config.meta.pii_of else '"' ~ source ~ '"' %}
        cast({{ value }} as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
    {%- if found %}
    from read_csv('{{ file }}', all_varchar=true, header=true)
    {%- else %}
    where false
    {%- endif %}
{%- endmacro %}

{% macro is_delivered(table) -%}
    {%- if not execute -%}{{ return(true) }}{%- endif -%}
    {%- if setting('connector') != 'native' -%}
        {{ return(table in var('connectors')[setting('connector')]['tables']) }}
    {%- endif -%}
    {%- set found = run_query("select count(*) from glob(['" ~ setting('extracts_dir') ~ "/" ~ table ~ ".*', '" ~ setting('extracts_dir') ~ "/" ~ table ~ "/**'])") -%}
    {{ return(found.rows[0][0] > 0) }}
{%- endmacro %}
