select
    lead_id,
    created_at,
    person_key_hash,
    audience,
    channel,
    campaign_id,
    qualified_at,
    converted_at,
    customer_id,
    seller_id,
    {{ judgement('leads') }}
from {{ delivered('leads') }}
