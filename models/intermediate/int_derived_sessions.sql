with test_orders as (
    select order_id from {{ ref('stg_orders') }}
    where is_test
),

events as (
    select
        events.event_id,
        events.visitor_id,
        events.occurred_at
    from {{ ref('stg_events') }} as events
    left join test_orders on events.order_id = test_orders.order_id
    where
        events.session_id is null
        and not coalesce(events.is_bot, false)
        and test_orders.order_id is null
),

gaps as (
    select
        *,
        case
            when {{ seconds_between('lag(occurred_at) over visitor_events', 'occurred_at') }} < 1800 then 0
            else 1
        end as begins
    from events
    window visitor_events as (partition by visitor_id order by occurred_at, event_id)
)

select
    event_id,
    cast(sum(begins) over (
        partition by visitor_id
        order by occurred_at, event_id
        rows between unbounded preceding and current row
    ) as bigint) as session_number
from gaps
