select
    fee_id,
    seller_id,
    charged_at,
    kind,
    amount,
    currency,
    {{ judgement('seller_fees') }}
from {{ delivered('seller_fees') }}
