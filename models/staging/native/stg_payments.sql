select
    payment_id,
    order_id,
    attempted_at,
    status,
    method,
    amount,
    currency,
    fee_amount,
    failure_reason
from {{ ref('base_payments') }}
where _fault is null and _is_latest
