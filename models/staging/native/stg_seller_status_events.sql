select
    event_id,
    seller_id,
    occurred_at,
    status,
    reason,
    kpi_id,
    evidence,
    policy
from {{ ref('base_seller_status_events') }}
where _fault is null and _is_latest
