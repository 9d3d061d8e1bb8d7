with orders as (
    select * from {{ olist('orders') }}
),

customers as (
    select * from {{ olist('customers') }}
)

select
    orders.order_id,
    customers.customer_unique_id as customer_id,
    {{ olist_time('orders.order_purchase_timestamp') }} as ordered_at,
    {{ olist_time('orders.order_approved_at') }} as paid_at,
    'BRL' as currency,
    'web' as sales_channel,
    'BR' as country,
    customers.customer_state as region,
    false as is_test
from orders
left join customers on orders.customer_id = customers.customer_id
