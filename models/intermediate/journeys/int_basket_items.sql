with orders as (
    select
        orders.order_id,
        orders.ordered_on
    from {{ ref('fct_orders') }} as orders
    cross join {{ ref('int_span') }} as span
    where orders.is_paid and orders.ordered_on between {{ add_days('span.as_of', -364) }} and span.as_of
),

items as (
    select distinct
        lines.order_id,
        lines.product_family as item,
        lines.seller_id
    from {{ ref('fct_order_lines') }} as lines
    inner join orders on lines.order_id = orders.order_id
),

sizes as (
    select
        order_id,
        count(distinct item) as items
    from items
    group by order_id
)

-- an order without lines is an order: it stays, without an item
select
    orders.order_id,
    items.item,
    items.seller_id,
    coalesce(sizes.items, 0) as items_of_order
from orders
left join items on orders.order_id = items.order_id
left join sizes on orders.order_id = sizes.order_id
where coalesce(sizes.items, 0) <= 50
