{# The one division: numerator over denominator as a double, null where the denominator is 0 or missing. #}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0)
{%- endmacro %}
