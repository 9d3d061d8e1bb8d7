with spend as (
    select
        campaign_id,
        min(campaign_name) as campaign_name,
        min(platform) as platform,
        min(channel) as channel,
        min(objective) as objective,
        min(audience) as audience,
        min(spent_on) as first_spent_on,
        max(spent_on) as last_spent_on
    from {{ ref('fct_ad_spend') }}
    group by campaign_id
),

mentioned as (
    select campaign_id from spend
    union distinct
    select campaign_id from {{ ref('fct_sessions') }}
    where campaign_id is not null
    union distinct
    select campaign_id from {{ ref('fct_leads') }}
    where campaign_id is not null
)

select
    mentioned.campaign_id,
    spend.campaign_name,
    spend.platform,
    spend.channel,
    spend.objective,
    spend.audience,
    spend.first_spent_on,
    spend.last_spent_on
from mentioned
left join spend on mentioned.campaign_id = spend.campaign_id
