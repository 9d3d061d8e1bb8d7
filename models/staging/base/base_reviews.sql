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
    withdrawn_at,
    {{ judgement('reviews') }}
from {{ delivered('reviews') }}
