-- Only what is asked for: every segment by month (kpi_month), else the whole and segments with a target (kpi_scorecard).
with pairs as (
    select
        *,
        {{ days_from('other_start', 'other_first_days_end') }} + 1 as days_needed
    from {{ ref('int_period_pairs') }}
    where is_partial and other_in_span
),

days as (
    select
        pairs.period_grain,
        pairs.period_start,
        pairs.compared_with,
        pairs.days_needed,
        days.period_start as date_day
    from {{ ref('int_periods') }} as days
    inner join pairs
        on days.period_start between pairs.other_start and pairs.other_first_days_end
    where days.period_grain = 'day'
),

kpis as (
    select kpi_id from {{ ref('dim_kpi') }}
    where is_additive
),

targeted as (
    select distinct
        kpi_id,
        period_grain,
        dimension,
        dimension_value
    from {{ ref('kpi_targets') }}
),

summed as (
    select
        daily.kpi_id,
        days.period_grain,
        days.period_start,
        days.compared_with,
        days.days_needed,
        daily.dimension,
        daily.dimension_value,
        {{ exact_sum('daily.numerator') }} as numerator,
        {{ exact_sum('daily.denominator') }} as denominator,
        count(daily.numerator) as days_known
    from {{ ref('kpi_values') }} as daily
    inner join days on daily.period_start = days.date_day
    inner join kpis on daily.kpi_id = kpis.kpi_id
    left join targeted
        on daily.kpi_id = targeted.kpi_id
        and days.period_grain = targeted.period_grain
        and daily.dimension = targeted.dimension
        and daily.dimension_value = targeted.dimension_value
    where
        daily.period_grain = 'day'
        and (days.period_grain = 'month' or daily.dimension = 'all' or targeted.kpi_id is not null)
    group by
        daily.kpi_id,
        days.period_grain,
        days.period_start,
        days.compared_with,
        days.days_needed,
        daily.dimension,
        daily.dimension_value
),

complete as (
    select
        kpi_id,
        period_grain,
        period_start,
        compared_with
    from summed
    where dimension = 'all' and days_known = days_needed
)

select
    summed.kpi_id,
    summed.period_grain,
    summed.period_start,
    summed.compared_with,
    summed.dimension,
    summed.dimension_value,
    summed.numerator,
    summed.denominator
from summed
inner join complete
    on summed.kpi_id = complete.kpi_id
    and summed.period_grain = complete.period_grain
    and summed.period_start = complete.period_start
    and summed.compared_with = complete.compared_with
