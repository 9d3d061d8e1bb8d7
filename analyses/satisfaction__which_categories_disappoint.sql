-- Which categories draw more bad reviews than the whole, by more than chance?
-- The latest complete year of months. z compares a category's share with that of all other reviews; beyond 2.6, one
-- category of a hundred would stand out by chance.
with months as (
    select
        *,
        dense_rank() over (order by period_start desc) as age
    from {{ ref('kpi_satisfaction') }}
    where period_grain = 'month' and dimension = 'category' and not is_partial
),

categories as (
    select
        dimension_value as category,
        cast(sum(reviews) as double) as reviews,
        cast(sum(negative_reviews) as double) as negative,
        cast(sum(sum(reviews)) over () as double) as all_reviews,
        cast(sum(sum(negative_reviews)) over () as double) as all_negative
    from months
    where age <= 12 and dimension_value <> 'unknown'
    group by dimension_value
),

compared as (
    select
        category,
        reviews,
        negative / reviews as share,
        (all_negative - negative) / (all_reviews - reviews) as share_of_others,
        all_negative / all_reviews as share_of_all,
        1 / reviews + 1 / (all_reviews - reviews) as spread
    from categories
    where reviews >= 20
)

select
    category,
    cast(reviews as bigint) as reviews,
    round(share, 3) as negative_share,
    round(share_of_others, 3) as negative_share_of_others,
    round((share - share_of_others) / sqrt(share_of_all * (1 - share_of_all) * spread), 2) as z
from compared
order by z desc, category
limit 8
