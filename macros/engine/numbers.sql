{# Exact continuous percentile (linear interpolation) of an expression, as a double. #}
{% macro exact_percentile(expression, fraction) %}
    {{- return(adapter.dispatch('exact_percentile', 'marketplace_kpis')(expression, fraction)) -}}
{% endmacro %}

{% macro duckdb__exact_percentile(expression, fraction) -%}
    quantile_cont(cast({{ expression }} as double), {{ fraction }})
{%- endmacro %}

{% macro spark__exact_percentile(expression, fraction) -%}
    percentile(cast({{ expression }} as double), {{ fraction }})
{%- endmacro %}


{# Stops the build because of the data, with a message (a SQL string expression), from inside a query. `ops.build` knows
   such a stop by its first words. #}
{% macro stop_with(message) %}
    {{- return(adapter.dispatch('stop_with', 'marketplace_kpis')(message)) -}}
{% endmacro %}

{% macro duckdb__stop_with(message) -%} error('The data stop the build: ' || {{ message }}) {%- endmacro %}

{% macro spark__stop_with(message) -%} raise_error('The data stop the build: ' || {{ message }}) {%- endmacro %}


{# A whole number as text, with `,` between thousands. #}
{% macro with_thousands(whole) %}
    {{- return(adapter.dispatch('with_thousands', 'marketplace_kpis')(whole)) -}}
{% endmacro %}

{% macro duckdb__with_thousands(whole) -%} format('{:,}', {{ whole }}) {%- endmacro %}

{% macro spark__with_thousands(whole) -%} format_number({{ whole }}, 0) {%- endmacro %}
