{# The rows of an Olist file that count. #}
{% macro olist(table) -%}
    (select * from {{ ref('base_olist__' ~ table) }} where _fault is null and _is_latest)
{%- endmacro %}


{# A time of the Olist files, local time of Sao Paulo, as a UTC timestamp. #}
{% macro olist_time(timestamp) -%}
    {{ utc_of_local(timestamp, 'America/Sao_Paulo') }}
{%- endmacro %}
