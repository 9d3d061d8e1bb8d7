with reviews as (
    select * from {{ ref('fct_reviews') }}
    where not is_withdrawn
),

delivered_seller_orders as (
    select * from {{ ref('fct_seller_orders') }}
    where delivered_at is not null
),

{{ kpi_terms([
    {
        'shape': 'sums', 'from': 'reviews', 'day': 'created_on', 'needs': ['reviews'],
        'dimensions': {
            'seller': 'seller_id', 'category': 'category', 'country': 'country', 'region': 'region', 'subject': 'subject',
        },
        'terms': {
            'reviews': 'count(*)',
            'rating_sum': 'sum(rating)',
            'positive_reviews': 'count_if(rating >= 4)',
            'negative_reviews': 'count_if(rating <= 2)',
        },
    },
    {
        'shape': 'sums', 'from': 'delivered_seller_orders', 'day': 'delivered_on',
        'dimensions': {'seller': 'seller_id', 'country': 'country'},
        'needs': ['reviews', 'order_lines.delivered_at'],
        'terms': {'delivered_seller_orders': 'count(*)', 'reviewed_seller_orders': 'count_if(is_reviewed)'},
    },
]) }}

select
    {{ kpi_keys() }},

    -- reviews
    reviews,
    rating_sum,
    {{ ratio('rating_sum', 'reviews') }} as avg_rating,
    negative_reviews,
    {{ ratio('negative_reviews', 'reviews') }} as negative_review_share,
    positive_reviews,
    {{ ratio('positive_reviews', 'reviews') }} as positive_review_share,
    reviewed_seller_orders,
    delivered_seller_orders,
    {{ ratio('reviewed_seller_orders', 'delivered_seller_orders') }} as review_rate
from terms
