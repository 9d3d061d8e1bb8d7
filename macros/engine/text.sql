{# A text without what tells who somebody is: e-mail addresses and runs of six digits or more become ***. #}
{% macro masked_text(text) %}
    {{- return(adapter.dispatch('masked_text', 'marketplace_kpis')(text)) -}}
{% endmacro %}

{% macro duckdb__masked_text(text) -%}
    regexp_replace({{ text }}, '[^\s@]+@[^\s@]*[.][^\s@.,;:!?()<>"]+|[0-9]{6,}', '***', 'g')
{%- endmacro %}

{% macro spark__masked_text(text) -%}
    regexp_replace({{ text }}, '[^\\s@]+@[^\\s@]*[.][^\\s@.,;:!?()<>"]+|[0-9]{6,}', '***')
{%- endmacro %}
