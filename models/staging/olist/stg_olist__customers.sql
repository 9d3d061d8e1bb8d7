with orders as (
    select * from {{ olist('orders') }}
),

customers as (
    select * from {{ olist('customers') }}
),

-- one row per person: that of its latest order
purchases as (
    select
        customers.customer_unique_id,
        customers.customer_city,
        customers.customer_state,
        row_number() over (
            partition by customers.customer_unique_id
            order by orders.order_purchase_timestamp desc, orders.order_id
        ) as age
    from orders
    inner join customers on orders.customer_id = customers.customer_id
)

select
    customer_unique_id as customer_id,
    'BR' as country,
    customer_state as region,
    customer_city as city
from purchases
where age = 1
