{{ config(materialized='view') }}

with events as (
    select * from {{ ref('stg_events') }}
),

span as (
    select * from {{ ref('int_span') }}
),

test_orders as (
    select order_id from {{ ref('stg_orders') }}
    where is_test
),

derived as (
    select * from {{ ref('int_derived_sessions') }}
)

select
    events.event_id,
    events.occurred_at,
    events.event_name,
    events.visitor_id,
    events.session_id,
    case
        when events.session_id is not null then {{ joined_key('events.visitor_id', 'events.session_id') }}
        else {{ joined_key('events.visitor_id', 'cast(derived.session_number as ' ~ dbt.type_string() ~ ')', separator='#') }}
    end as session_key,
    events.customer_id,
    events.cart_id,
    events.order_id,
    events.product_id,
    events.seller_id,
    events.page_type,
    events.search_results,
    events.feature,
    events.load_ms,
    events.source,
    events.medium,
    events.campaign_id,
    events.device,
    events.country,
    events.region
from events
cross join span
left join derived on events.session_id is null and events.event_id = derived.event_id
left join test_orders on events.order_id = test_orders.order_id
where
    not coalesce(events.is_bot, false)
    and events.occurred_at < span.as_of_end
    and test_orders.order_id is null
