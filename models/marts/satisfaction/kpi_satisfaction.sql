with reviews as (
    select * from {{ ref('fct_reviews') }}
    where not is_withdrawn
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
            'negative_reviews': 'count_if(rating <= 2)',
        },
    },
]) }}

select
    {{ kpi_keys() }},

    -- reviews
    reviews,
    rating_sum,
    {{ ratio('rating_sum', 'reviews') }} as avg_rating,
    negative_reviews,
    {{ ratio('negative_reviews', 'reviews') }} as negative_review_share
from terms
