{{ config(materialized='view') }}

select
    -- ids
    lines.order_line_id,
    lines.order_id,
    lines.seller_id,
    lines.product_id,

    -- flags
    orders.is_counted,
    orders.is_paid
from {{ ref('stg_order_lines') }} as lines
inner join {{ ref('int_orders') }} as orders on lines.order_id = orders.order_id
