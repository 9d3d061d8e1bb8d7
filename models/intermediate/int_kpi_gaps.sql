with needs as (
    select * from {{ ref('int_kpi_needs') }}
),

inputs as (
    select * from {{ ref('int_inputs') }}
),

periods as (
    select * from {{ ref('int_periods') }}
),

absent as (
    select
        needs.kpi_id,
        min(needs.need) as need
    from needs
    inner join inputs on needs.need = inputs.need
    where not inputs.is_present
    group by needs.kpi_id
),

alternatives as (
    select needs.*
    from needs
    inner join inputs on needs.input = inputs.need
    where inputs.is_present
),

-- needs that only feeds can meet: a table that is no feed covers every day
hanging as (
    select
        kpi_id,
        need
    from alternatives
    group by kpi_id, need
    having count(*) = count(feed)
),

-- one alternative that covers the day is enough
need_days as (
    select
        alternatives.kpi_id,
        alternatives.need,
        alternatives.later_days,
        days.date_day,
        max(case when days.is_covered then 1 else 0 end) = 1 as is_covered
    from alternatives
    inner join hanging on alternatives.kpi_id = hanging.kpi_id and alternatives.need = hanging.need
    inner join {{ ref('int_feed_days') }} as days on alternatives.feed = days.feed
    group by alternatives.kpi_id, alternatives.need, alternatives.later_days, days.date_day
),

next_gaps as (
    select
        *,
        min(case when not is_covered then date_day end) over (
            partition by kpi_id, need
            order by date_day
            rows between current row and unbounded following
        ) as next_uncovered_day
    from need_days
),

uncovered as (
    select
        next_gaps.kpi_id,
        periods.period_grain,
        periods.period_start,
        min(next_gaps.need) as need,
        min(next_gaps.next_uncovered_day) as uncovered_day
    from periods
    inner join next_gaps
        on next_gaps.date_day = greatest(periods.period_start, periods.span_start)
        and next_gaps.next_uncovered_day <= least({{ add_days('periods.period_end', 'next_gaps.later_days') }}, periods.as_of)
    group by next_gaps.kpi_id, periods.period_grain, periods.period_start
)

select
    absent.kpi_id,
    periods.period_grain,
    periods.period_start,
    absent.need,
    true as is_absent,
    cast(null as date) as uncovered_day
from absent
cross join periods
union all
select
    uncovered.kpi_id,
    uncovered.period_grain,
    uncovered.period_start,
    uncovered.need,
    false as is_absent,
    uncovered.uncovered_day
from uncovered
left join absent on uncovered.kpi_id = absent.kpi_id
where absent.kpi_id is null
