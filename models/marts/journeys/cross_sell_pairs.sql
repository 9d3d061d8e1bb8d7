with baskets as (
    select * from {{ ref('int_basket_items') }}
),

totals as (
    select count(distinct order_id) as orders from baskets
),

items as (
    select
        item,
        count(distinct order_id) as orders
    from baskets
    where item is not null
    group by item
),

-- a pair is bought five times only where both of its items are
candidates as (
    select baskets.*
    from baskets
    inner join items on baskets.item = items.item
    where items.orders >= 5 and baskets.items_of_order >= 2
),

pairs_of_orders as (
    select
        first_items.order_id,
        first_items.item as first_item,
        second_items.item as second_item,
        max(case when first_items.seller_id = second_items.seller_id then 1 else 0 end) as is_of_one_seller
    from candidates as first_items
    inner join candidates as second_items
        on first_items.order_id = second_items.order_id
        and first_items.item < second_items.item
    group by first_items.order_id, first_items.item, second_items.item
),

pairs as (
    select
        first_item,
        second_item,
        count(*) as pair_orders,
        count_if(is_of_one_seller = 0) as cross_seller_orders
    from pairs_of_orders
    group by first_item, second_item
    having count(*) >= 5
)

select
    pairs.first_item,
    pairs.second_item,
    cast(pairs.pair_orders as bigint) as pair_orders,
    {{ ratio('first_items.orders * second_items.orders', 'totals.orders') }} as expected_orders,
    cast(first_items.orders as bigint) as first_orders,
    cast(second_items.orders as bigint) as second_orders,
    cast(totals.orders as bigint) as orders,
    {{ ratio('pairs.pair_orders', 'totals.orders') }} as support,
    {{ ratio('pairs.pair_orders', 'first_items.orders') }} as confidence,
    {{ ratio('pairs.pair_orders', 'second_items.orders') }} as confidence_back,
    {{ ratio('pairs.pair_orders * totals.orders', 'first_items.orders * second_items.orders') }} as lift,
    {{ ratio('pairs.cross_seller_orders', 'pairs.pair_orders') }} as cross_seller_share
from pairs
inner join items as first_items on pairs.first_item = first_items.item
inner join items as second_items on pairs.second_item = second_items.item
cross join totals
