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
    email_hash,
    {{ judgement('sellers') }}
from {{ delivered('sellers') }}
