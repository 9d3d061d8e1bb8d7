{#
Holds a family mart and its metrics together: wherever a ratio metric has a column in the model, the column is the metric's
numerator over its denominator, both of them columns too, null where the denominator is 0 or missing, and inside the
metric's bounds (config.meta.kpi.bounds). One row per broken value. Stops when no metric matches, or a term has no column.
#}
{% test ratios_match_metrics(model) %}

{%- set checks = [] -%}
{%- if execute -%}
    {%- set columns = adapter.get_columns_in_relation(model) | map(attribute='name') | list -%}
    {%- for metric in graph.metrics.values() if metric.type == 'ratio' and metric.name in columns -%}
        {%- set terms = [metric.type_params.numerator.name, metric.type_params.denominator.name] -%}
        {%- for term in terms if term not in columns -%}
            {%- do exceptions.raise_compiler_error(model ~ ' shows ' ~ metric.name ~ ' without its term ' ~ term) -%}
        {%- endfor -%}
        {%- do checks.append({
            'name': metric.name,
            'ratio': 'cast(' ~ terms[0] ~ ' as double) / nullif(cast(' ~ terms[1] ~ ' as double), 0)',
            'bounds': metric.config.meta.get('kpi', {}).get('bounds'),
        }) -%}
    {%- endfor -%}
    {%- if not checks -%}
        {%- do exceptions.raise_compiler_error('No ratio metric has a column in ' ~ model) -%}
    {%- endif -%}
{%- endif -%}

{% for check in checks -%}
    select
        '{{ check.name }}' as metric,
        period_grain,
        period_start,
        dimension,
        dimension_value,
        {{ check.name }} as published,
        {{ check.ratio }} as expected
    from {{ model }}
    where
        {{ check.name }} is distinct from {{ check.ratio }}
        {%- if check.bounds %}
        or {{ check.name }} not between {{ check.bounds[0] }} and {{ check.bounds[1] }}
        {%- endif %}
    {{ 'union all' if not loop.last }}
{% else -%}
    select 1 as nothing_to_check where false
{% endfor %}

{% endtest %}
