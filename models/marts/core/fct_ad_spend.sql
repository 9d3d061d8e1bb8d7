with ad_spend as (
    select * from {{ ref('stg_ad_spend') }}
),

{{ converted('ad_spend', day='spend_date') }}

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
