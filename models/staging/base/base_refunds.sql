select
    refund_id,
    order_line_id,
    refunded_at,
    amount,
    currency,
    reason,
    commission_reversed,
    {{ judgement('refunds') }}
from {{ delivered('refunds') }}
