with customers as (
    select * from {{ ref('stg_customers') }}
),

valid_orders as (
    select
        customer_id,
        min(case when customer_order_number = 1 then ordered_on end) as first_valid_order_on,
        min(case when customer_order_number = 2 then ordered_on end) as second_valid_order_on,
        count(*) as valid_orders,
        sum(line_value) as gmv,
        sum(net_value) as gmv_net
    from {{ ref('fct_orders') }}
    where is_valid
    group by customer_id
)

select
    -- ids
    customers.customer_id,

    -- attributes
    customers.customer_type,
    customers.country,
    customers.region,
    customers.city,

    -- times
    customers.created_at,
    {{ business_day('customers.created_at') }} as created_on,
    valid_orders.first_valid_order_on,
    valid_orders.second_valid_order_on,

    -- flags
    coalesce(customers.consent_analytics, true) as has_analytics_consent,

    -- numerics
    coalesce(valid_orders.valid_orders, 0) as valid_orders,

    -- money in the reporting currency, of valid orders
    coalesce(valid_orders.gmv, 0) as gmv,
    coalesce(valid_orders.gmv_net, 0) as gmv_net
from customers
left join valid_orders on customers.customer_id = valid_orders.customer_id
