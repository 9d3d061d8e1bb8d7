select
    customer_id,
    created_at,
    country,
    region,
    city,
    customer_type,
    email_hash,
    consent_analytics,
    {{ judgement('customers') }}
from {{ delivered('customers') }}
