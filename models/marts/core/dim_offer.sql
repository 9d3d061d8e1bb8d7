with offers as (
    select * from {{ ref('stg_offers') }}
),

products as (
    select * from {{ ref('stg_products') }}
)

select
    -- ids
    offers.offer_id,
    offers.seller_id,
    offers.product_id,

    -- attributes
    products.category,
    offers.currency,

    -- times
    offers.listed_at,
    {{ business_day('offers.listed_at') }} as listed_on,
    offers.delisted_at,
    {{ business_day('offers.delisted_at') }} as delisted_on,

    -- numerics, price in its own currency
    offers.price,
    offers.stock_quantity
from offers
left join products on offers.product_id = products.product_id
