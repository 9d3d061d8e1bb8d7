with reviews as (
    select * from {{ olist('order_reviews') }}
),

only_sellers as (
    select
        order_id,
        min(seller_id) as seller_id
    from {{ olist('order_items') }}
    group by order_id
    having count(distinct seller_id) = 1
)

select
    concat(reviews.review_id, '-', reviews.order_id) as review_id,
    reviews.order_id,
    only_sellers.seller_id,
    'seller' as subject,
    reviews.review_score as rating,
    case
        when reviews.review_comment_title is null then reviews.review_comment_message
        when reviews.review_comment_message is null then reviews.review_comment_title
        else concat(reviews.review_comment_title, ' - ', reviews.review_comment_message)
    end as comment,
    {{ olist_time('reviews.review_creation_date') }} as created_at
from reviews
left join only_sellers on reviews.order_id = only_sellers.order_id
