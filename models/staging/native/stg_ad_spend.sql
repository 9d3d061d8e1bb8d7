select
    spend_date,
    platform,
    campaign_id,
    campaign_name,
    channel,
    objective,
    audience,
    impressions,
    clicks,
    cost,
    currency
from {{ ref('base_ad_spend') }}
where _fault is null and _is_latest
