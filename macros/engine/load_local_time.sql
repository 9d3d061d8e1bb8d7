{# A local time of a zone (IANA name) as a UTC timestamp, null for null. #}
{% macro utc_of_local(timestamp, zone) %}
    {{- return(adapter.dispatch('utc_of_local', 'marketplace_kpis')(timestamp, zone)) -}}
{% endmacro %}

{% macro duckdb__utc_of_local(timestamp, zone) -%}
    timezone('UTC', timezone('{{ zone }}', cast({{ timestamp }} as timestamp)))
{%- endmacro %}

{% macro spark__utc_of_local(timestamp, zone) -%}
    to_utc_timestamp(cast({{ timestamp }} as timestamp), '{{ zone }}')
{%- endmacro %}
