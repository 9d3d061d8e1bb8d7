{# The row with the lowest (time, key) of a group, as a struct of the named columns. #}
{% macro first_by(columns, time, key) %}
    {{- return(adapter.dispatch('first_by', 'marketplace_kpis')(columns, time, key)) -}}
{% endmacro %}

{% macro duckdb__first_by(columns, time, key) -%}
    arg_min(struct_pack({% for column in columns %}{{ column }} := {{ column }}{{ ', ' if not loop.last }}{% endfor %}), row({{ time }}, {{ key }}))
{%- endmacro %}

{% macro spark__first_by(columns, time, key) -%}
    min_by(struct({{ columns | join(', ') }}), struct({{ time }}, {{ key }}))
{%- endmacro %}


{# True where a text matches a pattern of the channel rules: a regular expression on the whole trimmed text,
   whatever its case. An empty pattern matches anything. #}
{% macro matches_pattern(text, pattern) %}
    {{- return(adapter.dispatch('matches_pattern', 'marketplace_kpis')(text, pattern)) -}}
{% endmacro %}

{% macro duckdb__matches_pattern(text, pattern) -%}
    (coalesce({{ pattern }}, '') = '' or regexp_full_match(lower(trim(coalesce({{ text }}, ''))), lower({{ pattern }})))
{%- endmacro %}

{% macro spark__matches_pattern(text, pattern) -%}
    (coalesce({{ pattern }}, '') = '' or lower(trim(coalesce({{ text }}, ''))) rlike concat('^(?:', lower({{ pattern }}), ')$'))
{%- endmacro %}
