select
    fee_id,
    seller_id,
    charged_at,
    kind,
    amount,
    currency
from {{ ref('base_seller_fees') }}
where _fault is null and _is_latest
