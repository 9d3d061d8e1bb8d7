{# One text that stands for two ids: no other two give the same, whatever characters they hold. #}
{% macro joined_key(first, second, separator='|') -%}
    concat(cast(length({{ first }}) as {{ dbt.type_string() }}), ':', {{ first }}, '{{ separator }}', {{ second }})
{%- endmacro %}
