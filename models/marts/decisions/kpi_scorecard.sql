with targets as (
    select
        *,
        -- where good ends and alert begins, exactly as set
        coalesce(warn, target) as good_to,
        cast(cast(target_low as decimal(28, 10)) - cast(coalesce(warn, 0) as decimal(28, 10)) as double) as good_from_low,
        cast(cast(target_high as decimal(28, 10)) + cast(coalesce(warn, 0) as decimal(28, 10)) as double) as good_to_high,
        cast(cast(target_low as decimal(28, 10)) - cast(alert as decimal(28, 10)) as double) as alert_low,
        cast(cast(target_high as decimal(28, 10)) + cast(alert as decimal(28, 10)) as double) as alert_high
    from {{ ref('kpi_targets') }}
),

benchmarks as (
    select * from {{ ref('kpi_benchmarks') }}
    where is_reference
),

anomalies as (
    {% for grain in ['week', 'month'] -%}
        select
            kpi_id,
            '{{ grain }}' as period_grain,
            {{ period_start(grain, 'period_start') }} as period_start,
            max(case when is_anomaly then 1 else 0 end) = 1 as is_anomaly
        from {{ ref('kpi_anomalies') }}
        group by kpi_id, {{ period_start(grain, 'period_start') }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

judged as (
    select
        shown.kpi_id,
        shown.period_grain,
        shown.period_start,
        shown.dimension,
        shown.dimension_value,
        kpis.label_en,
        kpis.label_fr,
        kpis.family,
        kpis.unit,
        kpis.format,
        kpis.direction,
        kpis.owner,
        kpis.action_when_bad,
        periods.period_end,
        periods.is_partial,
        periods.is_mature,
        periods.is_covered,
        periods.is_latest,
        shown.value,
        shown.numerator,
        shown.denominator,
        shown.sample_size,
        changes.previous_value,
        changes.previous_year_value,
        changes.change,
        changes.change_rate,
        changes.year_change,
        changes.year_change_rate,
        changes.projected_value,
        case
            when kpis.direction = 'band' and changes.change is not null then {{ is_better(
                distance_outside('shown.value', 'targets.target_low', 'targets.target_high')
                ~ ' - ' ~ distance_outside('changes.previous_value', 'targets.target_low', 'targets.target_high'), "'down'"
            ) }}
            else {{ is_better('changes.change', 'kpis.direction') }}
        end as is_better,
        targets.target,
        targets.target_low,
        targets.target_high,
        case
            when kpis.direction = 'up' then changes.projected_value - targets.target
            when kpis.direction = 'down' then targets.target - changes.projected_value
            else 0 - ({{ distance_outside('changes.projected_value', 'targets.target_low', 'targets.target_high') }})
        end as gap,
        case
            when kpis.direction in ('up', 'down') then abs(targets.target)
            else abs((targets.target_low + targets.target_high) / 2)
        end as target_size,
        case
            when shown.value is null then 'insufficient_data'
            when not periods.is_final then 'not_final'
            when shown.sample_size < coalesce(targets.min_volume, 20) then 'insufficient_data'
            when targets.kpi_id is null then 'no_target'
            when kpis.direction = 'up' then
                case when shown.value < targets.alert then 'alert' when shown.value < targets.good_to then 'warn' else 'good' end
            when kpis.direction = 'down' then
                case when shown.value > targets.alert then 'alert' when shown.value > targets.good_to then 'warn' else 'good' end
            when shown.value < targets.alert_low or shown.value > targets.alert_high then 'alert'
            when shown.value < targets.good_from_low or shown.value > targets.good_to_high then 'warn'
            else 'good'
        end as status
    from {{ ref('int_scorecard_values') }} as shown
    inner join {{ ref('dim_kpi') }} as kpis on shown.kpi_id = kpis.kpi_id
    inner join {{ ref('int_kpi_periods') }} as periods
        on shown.kpi_id = periods.kpi_id
        and shown.period_grain = periods.period_grain
        and shown.period_start = periods.period_start
    inner join {{ ref('int_scorecard_changes') }} as changes
        on shown.kpi_id = changes.kpi_id
        and shown.period_grain = changes.period_grain
        and shown.period_start = changes.period_start
        and shown.dimension = changes.dimension
        and shown.dimension_value = changes.dimension_value
    left join targets
        on shown.kpi_id = targets.kpi_id
        and shown.period_grain = targets.period_grain
        and shown.dimension = targets.dimension
        and shown.dimension_value = targets.dimension_value
        and shown.period_start >= targets.valid_from
        and (targets.valid_to is null or shown.period_start <= targets.valid_to)
)

select
    judged.kpi_id,
    judged.period_grain,
    judged.period_start,
    judged.dimension,
    judged.dimension_value,

    -- what it is
    judged.label_en,
    judged.label_fr,
    judged.family,
    judged.unit,
    judged.format,
    judged.direction,
    judged.owner,
    judged.period_end,
    judged.is_partial,
    judged.is_mature,
    judged.is_covered,
    judged.is_latest,

    -- how much, and against before
    judged.value,
    judged.numerator,
    judged.denominator,
    judged.sample_size,
    judged.previous_value,
    judged.previous_year_value,
    judged.change,
    judged.change_rate,
    judged.year_change,
    judged.year_change_rate,
    judged.is_better,

    -- against what is wanted
    judged.target,
    judged.target_low,
    judged.target_high,
    judged.gap,
    {{ ratio('judged.gap', 'judged.target_size') }} as gap_rate,
    1 + {{ ratio('judged.gap', 'judged.target_size') }} as attainment,
    judged.projected_value,
    judged.status,

    -- against others
    benchmarks.value as benchmark_value,
    benchmarks.source as benchmark_source,
    case
        when judged.status in ('not_final', 'insufficient_data') or judged.direction not in ('up', 'down') then null
        when round(judged.value - benchmarks.value, 9) = 0 then 'equal'
        when {{ is_better('judged.value - benchmarks.value', 'judged.direction') }} then 'better'
        when benchmarks.value is not null then 'worse'
    end as benchmark_position,

    -- what to make of it
    trends.trend,
    case when judged.dimension = 'all' then anomalies.is_anomaly end as is_anomaly,
    case
        when judged.status in ('warn', 'alert') or trends.verdict = 'worsening' then judged.action_when_bad
    end as recommended_action
from judged
left join benchmarks on judged.kpi_id = benchmarks.kpi_id
left join {{ ref('kpi_trends') }} as trends
    on judged.kpi_id = trends.kpi_id
    and judged.period_grain = trends.period_grain
    and judged.is_latest
    and judged.dimension = 'all'
left join anomalies
    on judged.kpi_id = anomalies.kpi_id
    and judged.period_grain = anomalies.period_grain
    and judged.period_start = anomalies.period_start
