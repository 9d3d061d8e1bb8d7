select
    payment_id,
    order_id,
    attempted_at,
    status,
    method,
    amount,
    currency,
    fee_amount,
    failure_reason,
    {{ judgement('payments') }}
from {{ delivered('payments') }}
