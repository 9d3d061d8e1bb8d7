select
    claim_id,
    order_line_id,
    opened_at,
    kind,
    decided_at,
    decision,
    {{ judgement('claims') }}
from {{ delivered('claims') }}
