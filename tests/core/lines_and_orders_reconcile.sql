-- Every staged order and line that is no test and lies within as_of is in core once, with its quantity and value;
-- and the order facts hold what their lines hold. A row here is a difference.
{{ config(meta={'proves': 'no order or line is lost or doubled between staging and the facts'}) }}

with span as (
    select * from {{ ref('int_span') }}
),

staged_orders as (
    select orders.* from {{ ref('stg_orders') }} as orders
    cross join span
    where not coalesce(orders.is_test, false) and orders.ordered_at < span.as_of_end
),

staged as (
    select
        count(*) as lines,
        coalesce(sum(lines.quantity), 0) as quantity,
        coalesce(sum(lines.quantity * lines.unit_price - coalesce(lines.seller_discount, 0)), 0) as value_original
    from {{ ref('stg_order_lines') }} as lines
    inner join staged_orders on lines.order_id = staged_orders.order_id
),

facts as (
    select
        count(*) as lines,
        coalesce(sum(quantity), 0) as quantity,
        coalesce(sum(line_value_original), 0) as value_original
    from {{ ref('fct_order_lines') }}
),

paid_lines as (
    select
        count(*) as lines,
        coalesce(sum(quantity), 0) as quantity,
        coalesce(sum(line_value), 0) as line_value,
        coalesce(sum(net_value), 0) as net_value
    from {{ ref('fct_order_lines') }}
    where is_paid
),

grouped as (
    {% for fact in ['fct_orders', 'fct_order_categories', 'fct_order_sellers', 'fct_seller_orders', 'fct_seller_order_categories'] -%}
        select
            '{{ fact }}' as fact,
            coalesce(sum(lines), 0) as lines,
            coalesce(sum(quantity), 0) as quantity,
            coalesce(sum(line_value), 0) as line_value,
            coalesce(sum(net_value), 0) as net_value
        from {{ ref(fact) }}
        {{ 'where is_paid' if fact == 'fct_orders' }}
        {{ 'union all' if not loop.last }}
    {% endfor -%}
)

select
    'fct_order_lines' as fact,
    'lines, quantity or value differ from staging' as difference
from staged
cross join facts
where
    staged.lines <> facts.lines
    or staged.quantity <> facts.quantity
    or staged.value_original <> facts.value_original
union all
select
    'fct_orders' as fact,
    'orders differ from staging' as difference
where (select count(*) from staged_orders) <> (select count(*) from {{ ref('fct_orders') }})
union all
select
    grouped.fact,
    'lines, quantity or money differ from the lines of paid orders' as difference
from grouped
cross join paid_lines
where
    grouped.lines <> paid_lines.lines
    or grouped.quantity <> paid_lines.quantity
    or grouped.line_value <> paid_lines.line_value
    or grouped.net_value <> paid_lines.net_value
