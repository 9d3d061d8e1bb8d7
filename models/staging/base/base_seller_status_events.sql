select
    event_id,
    seller_id,
    occurred_at,
    status,
    reason,
    kpi_id,
    evidence,
    policy,
    {{ judgement('seller_status_events') }}
from {{ delivered('seller_status_events') }}
