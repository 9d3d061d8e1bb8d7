select
    ticket_id,
    opened_at,
    requester,
    handled_by,
    customer_id,
    seller_id,
    order_id,
    topic,
    first_response_at,
    resolved_at,
    reopened_at,
    is_spam,
    needs_response
from {{ ref('base_support_tickets') }}
where _fault is null and _is_latest
