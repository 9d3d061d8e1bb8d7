select
    order_line_id,
    order_id,
    seller_id,
    product_id,
    offer_id,
    quantity,
    unit_price,
    seller_discount,
    platform_discount,
    shipping_amount,
    tax_amount,
    commission_amount,
    unit_cost,
    accepted_at,
    refused_at,
    ship_by_at,
    shipped_at,
    promised_delivery_at,
    delivered_at,
    cancelled_at,
    cancelled_by,
    fulfilled_by,
    tracking_valid
from {{ ref('base_order_lines') }}
where
    _fault is null
    and _is_latest
    and order_id in (select orders.order_id from {{ ref('stg_orders') }} as orders)
