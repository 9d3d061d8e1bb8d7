with purchases as (
    select * from {{ ref('int_events') }}
    where event_name = 'purchase'
),

orders as (
    select * from {{ ref('int_orders') }}
),

customers as (
    select * from {{ ref('stg_customers') }}
)

select
    -- ids
    purchases.event_id,
    purchases.visitor_id,
    -- a customer who refused analytics is never joined to visits
    case when coalesce(customers.consent_analytics, true) then purchases.order_id end as order_id,

    -- times
    purchases.occurred_at as purchased_at,
    {{ business_day('purchases.occurred_at') }} as purchased_on
from purchases
left join orders on purchases.order_id = orders.order_id
left join customers on orders.customer_id = customers.customer_id
