with payments as (
    select * from {{ olist('order_payments') }}
),

orders as (
    select * from {{ olist('orders') }}
)

select
    concat(payments.order_id, '-', payments.payment_sequential) as payment_id,
    payments.order_id,
    {{ olist_time('coalesce(orders.order_approved_at, orders.order_purchase_timestamp)') }} as attempted_at,
    case when orders.order_approved_at is not null then 'succeeded' else 'abandoned' end as status,
    payments.payment_type as method,
    payments.payment_value as amount,
    'BRL' as currency
from payments
left join orders on payments.order_id = orders.order_id
