select
    return_id,
    order_line_id,
    requested_at,
    received_at,
    quantity,
    reason,
    {{ judgement('returns') }}
from {{ delivered('returns') }}
