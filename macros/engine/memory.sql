{# Keeps the engine within the variable memory_limit or the environment's MEMORY_LIMIT (6GB, 8GiB, 60%). Not in the profile,
   where another limit would make dbt parse everything anew. #}
{% macro limit_memory() %}
    {{- return(adapter.dispatch('limit_memory', 'marketplace_kpis')(var('memory_limit', env_var('MEMORY_LIMIT', '')))) -}}
{% endmacro %}

{% macro duckdb__limit_memory(limit) -%}
    {%- if limit -%} set global memory_limit = '{{ limit }}' {%- endif -%}
{%- endmacro %}

{% macro spark__limit_memory(limit) -%} {%- endmacro %}
