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
    currency,
    {{ judgement('ad_spend') }}
from {{ delivered('ad_spend') }}
