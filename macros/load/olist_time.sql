{# A time of the Olist files, local time of Sao Paulo, as a UTC timestamp. #}
{% macro olist_time(timestamp) -%}
    {{ utc_of_local(timestamp, 'America/Sao_Paulo') }}
{%- endmacro %}
