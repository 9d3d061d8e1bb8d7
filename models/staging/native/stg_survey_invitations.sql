select
    invitation_id,
    survey,
    wave,
    respondent,
    customer_id,
    seller_id,
    order_id,
    sent_at,
    is_delivered,
    answered_at,
    score,
    comment
from {{ ref('base_survey_invitations') }}
where _fault is null and _is_latest
