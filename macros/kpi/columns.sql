{# The key and calendar columns every family mart begins with. #}
{% macro kpi_keys() -%}
    period_grain,
    period_start,
    period_end,
    dimension,
    dimension_value,
    is_partial
{%- endmacro %}
