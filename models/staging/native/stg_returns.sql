select
    return_id,
    order_line_id,
    requested_at,
    received_at,
    quantity,
    reason
from {{ ref('base_returns') }}
where _fault is null and _is_latest
