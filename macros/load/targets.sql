{#
What a row of kpi_targets must be beside its contract: about a KPI that exists, a dimension it is cut by, with levels in the
order its direction says. As the checks of a contract: dictionaries with column, holds (a SQL condition) and reason. None
while the KPIs are not known (parsing, unit tests).
#}
{% macro target_checks() %}
    {%- set kpis = kpi_definitions() -%}
    {%- if not kpis -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set segments = [] -%}
    {%- for kpi in kpis -%}
        {%- for dimension in ['all'] + kpi.dimensions -%}{%- do segments.append(kpi.kpi_id ~ ' ' ~ dimension) -%}{%- endfor -%}
    {%- endfor -%}
    {%- set upward = "kpi_id in ('" ~ kpis | selectattr('direction', 'equalto', 'up') | map(attribute='kpi_id') | join("', '") ~ "')" -%}
    {%- set to_band = "kpi_id in ('" ~ kpis | selectattr('direction', 'in', ['band', 'neutral']) | map(attribute='kpi_id') | join("', '") ~ "')" -%}
    {%- set downward = '(not ' ~ upward ~ ' and not ' ~ to_band ~ ')' -%}
    {{- return([
        {
            'column': 'kpi_id',
            'holds': "kpi_id in ('" ~ kpis | map(attribute='kpi_id') | join("', '") ~ "')",
            'reason': 'not a KPI',
        },
        {
            'column': 'dimension',
            'holds': "concat(kpi_id, ' ', dimension) in ('" ~ segments | join("', '") ~ "')",
            'reason': 'not a dimension of the KPI',
        },
        {
            'column': 'target',
            'holds': to_band ~ ' or target is not null',
            'reason': 'missing, and the KPI is to go up or down',
        },
        {
            'column': 'target_low',
            'holds': 'not ' ~ to_band ~ ' or (target_low is not null and target_high is not null)',
            'reason': 'no band, and the KPI is to stay in one',
        },
        {
            'column': 'warn',
            'holds': 'not ' ~ upward ~ ' or (coalesce(warn, target) <= target and coalesce(alert, warn, target) <= coalesce(warn, target))',
            'reason': 'not alert <= warn <= target, and the KPI is to go up',
        },
        {
            'column': 'warn',
            'holds': 'not ' ~ downward ~ ' or (coalesce(warn, target) >= target and coalesce(alert, warn, target) >= coalesce(warn, target))',
            'reason': 'not alert >= warn >= target, and the KPI is to go down',
        },
        {
            'column': 'warn',
            'holds': 'not ' ~ to_band ~ ' or (target_low <= target_high and coalesce(warn, 0) >= 0 and coalesce(alert, warn, 0) >= coalesce(warn, 0))',
            'reason': 'not target_low <= target_high and 0 <= warn <= alert, and the KPI is to stay in a band',
        },
    ]) -}}
{% endmacro %}


{# The good and latest rows of kpi_targets with holds_to, the last day a row holds (an open one's: the day before the next row of
   its KPI, grain and segment; missing: still open), and is_overlapping: whether it holds on a day on which another one does. #}
{% macro targets_with_ends() -%}
    (
        select
            *,
            coalesce(
                max(holds_to) over (
                    partition by kpi_id, period_grain, dimension, dimension_value
                    order by valid_from
                    rows between unbounded preceding and 1 preceding
                ) >= valid_from,
                false
            ) or coalesce(next_from <= holds_to, false) as is_overlapping
        from (
            select
                *,
                coalesce(valid_to, {{ add_days('next_from', -1) }}) as holds_to
            from (
                select
                    *,
                    lead(valid_from) over (
                        partition by kpi_id, period_grain, dimension, dimension_value order by valid_from
                    ) as next_from
                from {{ ref('base_kpi_targets') }}
                where _fault is null and _is_latest
            ) as ordered
        ) as ended
    )
{%- endmacro %}

{% macro overlapping_targets() -%}
    (select * from {{ targets_with_ends() }} as targets where is_overlapping)
{%- endmacro %}
