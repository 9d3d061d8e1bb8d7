with status_events as (
    select * from {{ ref('stg_seller_status_events') }}
),

span as (
    select * from {{ ref('int_span') }}
)

select
    -- ids
    status_events.event_id,
    status_events.seller_id,

    -- times
    status_events.occurred_at,
    {{ business_day('status_events.occurred_at') }} as occurred_on,

    -- attributes
    status_events.status,
    status_events.policy,
    status_events.reason,
    status_events.kpi_id,
    status_events.evidence
from status_events
cross join span
where status_events.occurred_at < span.as_of_end
