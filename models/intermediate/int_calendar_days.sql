with seed_days as (
    select * from {{ ref('calendar_events') }}
),

delivered as (
    select * from {{ ref('stg_calendar_events') }}
)

select
    event_date as date_day,
    country,
    kind,
    name
from delivered
union all
select
    seed_days.event_date as date_day,
    seed_days.country,
    seed_days.kind,
    seed_days.name
from seed_days
left join delivered
    on seed_days.event_date = delivered.event_date
    and seed_days.country = delivered.country
    and seed_days.name = delivered.name
where delivered.name is null
