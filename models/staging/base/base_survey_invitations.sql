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
    comment,
    {{ judgement('survey_invitations') }}
from {{ delivered('survey_invitations') }}
