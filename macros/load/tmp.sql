{% macro is_delivered(table) -%}{{ return(true) }}{%- endmacro %}
