-- Which KPIs are beyond their warning level, which segment moved them most, and what is to be done?
-- The latest final month of each, as a whole and by every segment that has a target. The driver is the largest contribution
-- to the change of the whole that went the wrong way since the month before; a segment has none of its own.
with bad as (
    select *
    from {{ ref('kpi_scorecard') }}
    where period_grain = 'month' and is_latest and status in ('warn', 'alert')
),

drivers as (
    select
        drivers.kpi_id,
        drivers.dimension,
        drivers.dimension_value,
        drivers.contribution,
        row_number() over (
            partition by drivers.kpi_id
            order by abs(drivers.contribution) desc, drivers.dimension, drivers.dimension_value
        ) as place
    from {{ ref('kpi_drivers') }} as drivers
    inner join bad on drivers.kpi_id = bad.kpi_id and drivers.period_start = bad.period_start
    where
        bad.dimension = 'all'
        and drivers.period_grain = 'month'
        and drivers.compared_with = 'previous'
        and (
            (bad.direction = 'up' and drivers.contribution < 0)
            or (bad.direction = 'down' and drivers.contribution > 0)
        )
)

select
    bad.kpi_id,
    bad.dimension,
    bad.dimension_value,
    bad.period_start as month,
    bad.status,
    round(bad.value, 3) as value,
    round(bad.target, 3) as target,
    round(bad.gap_rate, 3) as gap_rate,
    bad.trend,
    drivers.dimension as driver,
    drivers.dimension_value as driver_value,
    round(drivers.contribution, 4) as contribution,
    bad.recommended_action
from bad
left join drivers on bad.kpi_id = drivers.kpi_id and bad.dimension = 'all' and drivers.place = 1
order by bad.gap_rate, bad.kpi_id, bad.dimension, bad.dimension_value
