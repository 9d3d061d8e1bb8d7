with vacation_events as (
    select
        events.seller_id,
        events.event_id,
        events.occurred_at,
        events.status
    from {{ ref('stg_seller_status_events') }} as events
    cross join {{ ref('int_span') }} as span
    where events.status in ('vacation_started', 'vacation_ended') and events.occurred_at < span.as_of_end
),

starts as (
    select
        seller_id,
        event_id,
        occurred_at as started_at
    from vacation_events
    where status = 'vacation_started'
),

ends as (
    select
        seller_id,
        event_id,
        occurred_at as ended_at
    from vacation_events
    where status = 'vacation_ended'
)

-- a vacation lasts to the next recorded end (at one instant: the next in order of ids, so that one vacation can follow
-- another); one without an end is still going on
select
    starts.seller_id,
    starts.started_at,
    coalesce(min(ends.ended_at), cast('2100-01-01' as timestamp)) as ended_at
from starts
left join ends
    on starts.seller_id = ends.seller_id
    and (
        starts.started_at < ends.ended_at
        or (starts.started_at = ends.ended_at and starts.event_id < ends.event_id)
    )
group by starts.seller_id, starts.started_at
