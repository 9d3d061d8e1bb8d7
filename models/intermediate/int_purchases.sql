select
    events.event_id,
    events.session_key,
    events.order_id,
    coalesce(events.order_id, concat('event|', events.event_id)) as purchase_key,
    sessions.started_on,
    sessions.channel,
    sessions.device,
    sessions.country,
    sessions.region
from {{ ref('int_events') }} as events
inner join {{ ref('int_sessions') }} as sessions on events.session_key = sessions.session_key
where events.event_name = 'purchase'
