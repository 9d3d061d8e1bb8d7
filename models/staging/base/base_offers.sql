select
    offer_id,
    seller_id,
    product_id,
    listed_at,
    delisted_at,
    price,
    currency,
    stock_quantity,
    {{ judgement('offers') }}
from {{ delivered('offers') }}
