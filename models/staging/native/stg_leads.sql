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
    seller_id
from {{ ref('base_leads') }}
where _fault is null and _is_latest
