with items as (
    select * from {{ olist('order_items') }}
),

orders as (
    select * from {{ olist('orders') }}
)

select
    -- ids
    concat(items.order_id, '-', items.order_item_id) as order_line_id,
    items.order_id,
    items.seller_id,
    items.product_id,

    -- amounts
    1 as quantity,
    items.price as unit_price,
    items.freight_value as shipping_amount,

    -- times
    {{ olist_time('items.shipping_limit_date') }} as ship_by_at,
    {{ olist_time('orders.order_delivered_carrier_date') }} as shipped_at,
    {{ olist_time('orders.order_estimated_delivery_date') }} as promised_delivery_at,
    {{ olist_time('orders.order_delivered_customer_date') }} as delivered_at,
    case
        when orders.order_status in ('canceled', 'unavailable')
            then {{ olist_time('coalesce(orders.order_approved_at, orders.order_purchase_timestamp)') }}
    end as cancelled_at,

    case when orders.order_status = 'unavailable' then 'seller' end as cancelled_by
from items
left join orders on items.order_id = orders.order_id
