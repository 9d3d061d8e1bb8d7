with periods as (
    select * from {{ ref('int_periods') }}
),

flagged as (
    select
        of_all.kpi_id,
        of_all.period_grain,
        of_all.period_start,
        periods.period_end,
        of_all.is_partial,
        of_all.is_mature,
        of_all.is_covered,
        of_all.numerator is not null as has_terms,
        not of_all.is_partial and of_all.is_mature as is_closed,
        periods.period_start >= periods.span_start as begins_in_span,
        {{ days_from('periods.period_start', 'periods.period_end') }} + 1 as days,
        {{ days_from('periods.period_start', 'periods.last_day') }} + 1 as elapsed_days
    from {{ ref('kpi_values') }} as of_all
    inner join periods
        on of_all.period_grain = periods.period_grain
        and of_all.period_start = periods.period_start
    where of_all.dimension = 'all'
),

latest as (
    select
        kpi_id,
        period_grain,
        max(case when is_closed and is_covered and begins_in_span then period_start end) as last_final,
        max(case when is_closed and not is_covered then period_start end) as last_gap
    from flagged
    group by kpi_id, period_grain
)

select
    flagged.*,
    flagged.is_closed and flagged.is_covered and flagged.begins_in_span as is_final,
    -- a feed that ended has no latest period
    coalesce(
        flagged.period_start = latest.last_final and not coalesce(latest.last_gap > latest.last_final, false), false
    ) as is_latest
from flagged
inner join latest
    on flagged.kpi_id = latest.kpi_id
    and flagged.period_grain = latest.period_grain
