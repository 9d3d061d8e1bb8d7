with sellers as (
    select * from {{ ref('raw_olist__sellers') }}
),

deals as (
    select
        seller_id,
        min(won_date) as won_date
    from {{ ref('raw_olist__closed_deals') }}
    group by seller_id
),

first_orders as (
    select
        items.seller_id,
        min(orders.order_purchase_timestamp) as first_purchase
    from {{ ref('raw_olist__order_items') }} as items
    inner join {{ ref('raw_olist__orders') }} as orders on items.order_id = orders.order_id
    group by items.seller_id
),

joined as (
    select
        sellers.seller_id,
        sellers.seller_state,
        coalesce(deals.won_date, first_orders.first_purchase) as joined_at
    from sellers
    left join deals on sellers.seller_id = deals.seller_id
    left join first_orders on sellers.seller_id = first_orders.seller_id
)

select
    seller_id,
    'BR' as country,
    seller_state as region,
    {{ olist_time('joined_at') }} as registered_at,
    {{ olist_time('joined_at') }} as validated_at,
    case when joined_at is null then 'a seller with neither a closed deal nor an order' end as rejected_because
from joined
