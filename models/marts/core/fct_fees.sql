with fees as (
    select * from {{ ref('stg_seller_fees') }}
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
),

span as (
    select * from {{ ref('int_span') }}
),

dated as (
    select
        fees.*,
        {{ business_day('fees.charged_at') }} as charged_on
    from fees
    cross join span
    where fees.charged_at < span.as_of_end
),

converted as (
    select
        dated.*,
        {{ exchange_rate('dated.currency', 'dated.charged_on', 'rates') }} as exchange_rate
    from dated
    left join rates on dated.currency = rates.currency and dated.charged_on = rates.rate_day
)

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
