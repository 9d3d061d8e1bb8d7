select
    seller_id,
    seller_name,
    country,
    region,
    registered_at,
    validated_at,
    plan,
    policy,
    legal_id_hash,
    bank_account_hash,
    email_hash
from {{ ref('base_sellers') }}
where _fault is null and _is_latest
