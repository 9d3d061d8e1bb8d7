select
    review_id,
    order_id,
    seller_id,
    product_id,
    customer_id,
    subject,
    rating,
    comment,
    created_at,
    withdrawn_at
from {{ ref('base_reviews') }}
where _fault is null and _is_latest
