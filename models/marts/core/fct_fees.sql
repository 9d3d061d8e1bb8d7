with fees as (
    select * from {{ ref('stg_seller_fees') }}
),

{{ converted('fees', day='charged_on', at='charged_at') }}

select
    -- ids
    fee_id,
    seller_id,

    -- attributes
    kind,
    currency,

    -- times
    charged_at,
    charged_on,

    -- money
    cast(amount as decimal(18, 4)) as amount_original,
    {{ reported('amount', 'exchange_rate') }} as amount
from converted
