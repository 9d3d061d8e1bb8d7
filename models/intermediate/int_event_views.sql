{{ config(materialized='view') }}

with events as (
    select * from {{ ref('int_events') }}
    where event_name in ('page_view', 'product_view', 'search')
),

sessions as (
    select
        session_key,
        device,
        country,
        region
    from {{ ref('int_sessions') }}
),

products as (
    select
        product_id,
        category
    from {{ ref('stg_products') }}
)

select
    events.event_id,
    events.event_name,
    events.session_key,
    {{ business_day('events.occurred_at') }} as occurred_on,
    events.page_type,
    events.seller_id,
    products.category,
    sessions.device,
    sessions.country,
    sessions.region,
    events.load_ms,
    events.search_results
from events
inner join sessions on events.session_key = sessions.session_key
left join products on events.product_id = products.product_id
