with ad_spend as (
    select * from {{ ref('stg_ad_spend') }}
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
),

span as (
    select * from {{ ref('int_span') }}
),

converted as (
    select
        ad_spend.*,
        {{ exchange_rate('ad_spend.currency', 'ad_spend.spend_date', 'rates') }} as exchange_rate
    from ad_spend
    cross join span
    left join rates on ad_spend.currency = rates.currency and ad_spend.spend_date = rates.rate_day
    where ad_spend.spend_date <= span.as_of
)

select
    -- ids
    platform,
    campaign_id,

    -- attributes
    campaign_name,
    channel,
    objective,
    audience,
    currency,

    -- times
    spend_date as spent_on,

    -- flags
    coalesce(audience = 'buyers', false) as is_for_buyers,
    coalesce(audience = 'buyers' and (objective is null or objective <> 'retention'), false) as is_acquisition,
    coalesce(audience = 'buyers' and (objective is null or objective <> 'leads'), false) as is_for_orders,

    -- numerics
    impressions,
    clicks,

    -- money
    cast(cost as decimal(18, 4)) as cost_original,
    {{ reported('cost', 'exchange_rate') }} as cost
from converted
