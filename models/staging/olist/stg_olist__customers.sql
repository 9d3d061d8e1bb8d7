with orders as (
    select * from {{ ref('raw_olist__orders') }}
),

customers as (
    select * from {{ ref('raw_olist__customers') }}
),

purchases as (
    select
        customers.customer_unique_id,
        customers.customer_city,
        customers.customer_state,
        orders.order_purchase_timestamp,
        row_number() over (
            partition by customers.customer_unique_id order by orders.order_purchase_timestamp desc, orders.order_id
        ) as age,
        min(orders.order_purchase_timestamp) over (partition by customers.customer_unique_id) as first_purchase
    from orders
    inner join customers on orders.customer_id = customers.customer_id
)

select
    customer_unique_id as customer_id,
    {{ olist_time('first_purchase') }} as created_at,
    'BR' as country,
    customer_state as region,
    customer_city as city
from purchases
where age = 1
