select
    offer_id,
    seller_id,
    product_id,
    listed_at,
    delisted_at,
    price,
    currency,
    stock_quantity
from {{ ref('base_offers') }}
where _fault is null and _is_latest
