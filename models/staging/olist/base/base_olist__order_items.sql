select
    order_id,
    order_item_id,
    product_id,
    seller_id,
    shipping_limit_date,
    price,
    freight_value,
    {{ judgement('order_items', 'olist') }}
from {{ delivered('order_items', 'olist') }}
