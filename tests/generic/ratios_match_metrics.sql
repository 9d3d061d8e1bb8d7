{#
Holds a family mart and its metrics together: wherever a ratio metric has a column in the model, the column is the metric's
numerator over its denominator, both of them columns too, null where the denominator is 0 or missing or the KPI has no value
(int_kpi_gaps), and inside the metric's bounds (config.meta.kpi.bounds). One row per broken value. Stops when no metric matches, or a term has no column.
#}
{% test ratios_match_metrics(model) %}

{%- set gaps = ref('int_kpi_gaps') -%}
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
            'ratio': 'cast(shown.' ~ terms[0] ~ ' as double) / nullif(cast(shown.' ~ terms[1] ~ ' as double), 0)',
            'bounds': metric.config.meta.get('kpi', {}).get('bounds'),
        }) -%}
    {%- endfor -%}
    {%- if not checks -%}
        {%- do exceptions.raise_compiler_error('No ratio metric has a column in ' ~ model) -%}
    {%- endif -%}
{%- endif -%}

{% for check in checks -%}
    {%- set expected = 'case when gaps.kpi_id is null then ' ~ check.ratio ~ ' end' -%}
    select
        '{{ check.name }}' as metric,
        shown.period_grain,
        shown.period_start,
        shown.dimension,
        shown.dimension_value,
        shown.{{ check.name }} as published,
        {{ expected }} as expected
    from {{ model }} as shown
    left join {{ gaps }} as gaps
        on gaps.kpi_id = '{{ check.name }}'
        and shown.period_grain = gaps.period_grain
        and shown.period_start = gaps.period_start
    where
        shown.{{ check.name }} is distinct from {{ expected }}
        {%- if check.bounds %}
        or shown.{{ check.name }} not between {{ check.bounds[0] }} and {{ check.bounds[1] }}
        {%- endif %}
    {{ 'union all' if not loop.last }}
{% else -%}
    select 1 as nothing_to_check where false
{% endfor %}

{% endtest %}
