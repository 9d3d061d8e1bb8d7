{# A happened-at time as known at the end of as_of (int_span): later ones have not happened yet. #}
{% macro known(timestamp, span='span') -%}
    case when {{ timestamp }} < {{ span }}.as_of_end then {{ timestamp }} end
{%- endmacro %}
