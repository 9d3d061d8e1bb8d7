{# Schemas are named as in dbt_project.yml (staging, intermediate, marts, reference), without the target's prefix:
   one warehouse file holds one build. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
