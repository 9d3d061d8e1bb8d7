select
    refund_id,
    order_line_id,
    refunded_at,
    amount,
    currency,
    reason,
    commission_reversed
from {{ ref('base_refunds') }}
where _fault is null and _is_latest
