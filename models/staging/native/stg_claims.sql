select
    claim_id,
    order_line_id,
    opened_at,
    kind,
    decided_at,
    decision
from {{ ref('base_claims') }}
where _fault is null and _is_latest
