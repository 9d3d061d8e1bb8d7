select
    customer_id,
    created_at,
    country,
    region,
    city,
    customer_type,
    email_hash,
    consent_analytics
from {{ ref('base_customers') }}
where _fault is null and _is_latest
