with leads as (
    select * from {{ ref('stg_leads') }}
),

span as (
    select * from {{ ref('int_span') }}
)

select
    -- ids
    leads.lead_id,
    coalesce(leads.person_key_hash, leads.lead_id) as person_key,
    leads.campaign_id,
    leads.customer_id,
    leads.seller_id,

    -- attributes
    leads.audience,
    leads.channel,

    -- times
    leads.created_at,
    {{ business_day('leads.created_at') }} as created_on,
    {{ known('leads.qualified_at') }} as qualified_at,
    {{ known('leads.converted_at') }} as converted_at,

    -- flags
    leads.qualified_at is not null and leads.qualified_at < span.as_of_end as is_qualified,
    leads.converted_at is not null and leads.converted_at < span.as_of_end as is_converted
from leads
cross join span
where leads.created_at < span.as_of_end
