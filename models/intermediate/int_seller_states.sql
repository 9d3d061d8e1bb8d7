with status_events as (
    select
        events.seller_id,
        events.event_id,
        events.occurred_at,
        events.status,
        {{ business_day('events.occurred_at') }} as status_on
    from {{ ref('stg_seller_status_events') }} as events
    cross join {{ ref('int_span') }} as span
    where events.status in ('closed', 'reinstated') and events.occurred_at < span.as_of_end
),

last_of_day as (
    select
        *,
        row_number() over (
            partition by seller_id, status_on order by occurred_at desc, event_id
        ) as recency
    from status_events
)

select
    seller_id,
    status_on,
    status,
    lead(status_on) over (partition by seller_id order by status_on) as next_status_on
from last_of_day
where recency = 1
