with kpis as (
    select
        kpis.kpi_id,
        kpis.direction,
        grains.period_grain
    from {{ ref('dim_kpi') }} as kpis
    cross join (select 'week' as period_grain union all select 'month' as period_grain) as grains
),

finals as (
    select * from {{ ref('int_final_values') }}
),

points as (
    select * from {{ ref('int_trend_points') }}
),

series as (
    select
        kpi_id,
        period_grain,
        count(*) as n,
        min(period_start) as first_period_start,
        max(period_start) as last_period_start,
        {{ exact_percentile('value', 0.5) }} as median_value
    from points
    group by kpi_id, period_grain
),

-- Theil-Sen and Mann-Kendall: every point against every later one
pairs as (
    select
        earlier.kpi_id,
        earlier.period_grain,
        {{ exact_percentile('(later.value - earlier.value) / (later.period_number - earlier.period_number)', 0.5) }} as slope,
        -- what differs in the last digits of a double is equal
        sum(cast(sign(round(later.value - earlier.value, 9)) as int)) as score
    from points as earlier
    inner join points as later
        on earlier.kpi_id = later.kpi_id
        and earlier.period_grain = later.period_grain
        and earlier.place < later.place
    group by earlier.kpi_id, earlier.period_grain
),

ties as (
    select
        kpi_id,
        period_grain,
        sum(tied * (tied - 1) * (2 * tied + 5)) as correction
    from (
        select
            kpi_id,
            period_grain,
            count(*) as tied
        from points
        group by kpi_id, period_grain, round(value, 9)
    ) as tied_values
    group by kpi_id, period_grain
),

standardised as (
    select
        series.kpi_id,
        series.period_grain,
        pairs.slope,
        pairs.slope / nullif(abs(series.median_value), 0e0) as slope_rate,
        -- continuity: the score moves one towards 0; all values equal: no variance, and 0
        coalesce(
            (pairs.score - case when pairs.score > 0 then 1 when pairs.score < 0 then -1 else 0 end)
            / nullif(sqrt((series.n * (series.n - 1) * (2 * series.n + 5) - ties.correction) / 18e0), 0e0),
            0e0
        ) as z
    from series
    inner join pairs on series.kpi_id = pairs.kpi_id and series.period_grain = pairs.period_grain
    inner join ties on series.kpi_id = ties.kpi_id and series.period_grain = ties.period_grain
    where series.n >= 8
),

tested as (
    select
        *,
        {{ normal_p('z') }} as p_value
    from standardised
),

-- a run begins after the last step of another sign; the first point has no step
runs as (
    select
        points.kpi_id,
        points.period_grain,
        lasts.value as last_value,
        lasts.period_number as last_period_number,
        case
            when lasts.step = 0 then 0
            else lasts.place - max(case when points.step = lasts.step then 0 else points.place end)
        end as run_length
    from points
    inner join points as lasts
        on points.kpi_id = lasts.kpi_id
        and points.period_grain = lasts.period_grain
    where lasts.is_last
    group by points.kpi_id, points.period_grain, lasts.value, lasts.period_number, lasts.step, lasts.place
),

judged as (
    select
        tested.*,
        case
            when tested.p_value < 0.05 and tested.slope > 0e0 then 'rising'
            when tested.p_value < 0.05 and tested.slope < 0e0 then 'falling'
            else 'flat'
        end as trend,
        runs.run_length,
        coalesce(round(runs.last_value - year_before.value, 9), 0e0) as since_year_before
    from tested
    inner join runs on tested.kpi_id = runs.kpi_id and tested.period_grain = runs.period_grain
    left join finals as year_before
        on runs.kpi_id = year_before.kpi_id
        and runs.period_grain = year_before.period_grain
        and year_before.period_number
        = runs.last_period_number - case runs.period_grain when 'week' then 52 else 12 end
)

select
    kpis.kpi_id,
    kpis.period_grain,
    judged.slope,
    judged.slope_rate,
    judged.p_value,
    coalesce(judged.trend, 'unknown') as trend,
    case
        when kpis.direction not in ('up', 'down') then null
        -- what is against the year before is a season
        when judged.trend = 'rising' and judged.since_year_before >= 0e0
            then case kpis.direction when 'up' then 'improving' else 'worsening' end
        when judged.trend = 'falling' and judged.since_year_before <= 0e0
            then case kpis.direction when 'up' then 'worsening' else 'improving' end
    end as verdict,
    cast(judged.run_length as bigint) as run_length,
    coalesce(series.n, 0) as n,
    series.first_period_start,
    series.last_period_start
from kpis
left join series on kpis.kpi_id = series.kpi_id and kpis.period_grain = series.period_grain
left join judged on kpis.kpi_id = judged.kpi_id and kpis.period_grain = judged.period_grain
