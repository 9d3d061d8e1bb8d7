with reviews as (
    select * from {{ ref('stg_reviews') }}
),

orders as (
    select * from {{ ref('int_orders') }}
),

customers as (
    select * from {{ ref('stg_customers') }}
),

products as (
    select * from {{ ref('stg_products') }}
),

span as (
    select * from {{ ref('int_span') }}
),

-- a review without a seller belongs to the order's only seller, else to none
only_sellers as (
    select
        order_id,
        min(seller_id) as seller_id
    from {{ ref('int_order_lines') }}
    group by order_id
    having min(seller_id) = max(seller_id)
)

select
    -- ids
    reviews.review_id,
    reviews.order_id,
    coalesce(reviews.seller_id, only_sellers.seller_id) as seller_id,
    reviews.product_id,
    coalesce(reviews.customer_id, orders.customer_id) as customer_id,

    -- attributes
    reviews.subject,
    products.category,
    coalesce(orders.country, customers.country) as country,
    coalesce(orders.region, customers.region) as region,
    {{ masked_text('reviews.comment') }} as comment,

    -- times
    reviews.created_at,
    {{ business_day('reviews.created_at') }} as created_on,

    -- flags
    reviews.withdrawn_at is not null and reviews.withdrawn_at < span.as_of_end as is_withdrawn,

    -- numerics
    reviews.rating
from reviews
cross join span
left join orders on reviews.order_id = orders.order_id
left join customers on reviews.customer_id = customers.customer_id
left join products on reviews.product_id = products.product_id
left join only_sellers on reviews.order_id = only_sellers.order_id
where
    reviews.created_at < span.as_of_end
    and coalesce(orders.is_counted, true)
