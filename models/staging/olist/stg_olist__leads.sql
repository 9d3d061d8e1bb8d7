with leads as (
    select * from {{ olist('marketing_qualified_leads') }}
),

deals as (
    select * from {{ olist('closed_deals') }}
)

select
    leads.mql_id as lead_id,
    {{ olist_time('leads.first_contact_date') }} as created_at,
    leads.mql_id as person_key,
    'sellers' as audience,
    leads.origin as channel,
    {{ olist_time('leads.first_contact_date') }} as qualified_at,
    {{ olist_time('deals.won_date') }} as converted_at,
    deals.seller_id
from leads
left join deals on leads.mql_id = deals.mql_id
