with refunds as (
    select * from {{ ref('stg_refunds') }}
),

lines as (
    select * from {{ ref('int_order_lines') }}
),

products as (
    select * from {{ ref('stg_products') }}
),

counted as (
    select
        refunds.*,
        lines.order_id,
        lines.seller_id,
        lines.product_id,
        coalesce(lines.is_paid, false) as is_of_paid_order
    from refunds
    left join lines on refunds.order_line_id = lines.order_line_id
    where coalesce(lines.is_counted, true)
),

{{ converted('counted', day='refunded_on', at='refunded_at') }}

select
    -- ids
    converted.refund_id,
    converted.order_line_id,
    converted.order_id,
    converted.seller_id,
    converted.product_id,

    -- attributes
    products.category,
    converted.reason,
    converted.currency,

    -- times
    converted.refunded_at,
    converted.refunded_on,

    -- flags
    converted.is_of_paid_order,

    -- money
    cast(converted.amount as decimal(18, 4)) as amount_original,
    {{ reported('converted.amount', 'converted.exchange_rate') }} as amount,
    {{ reported('converted.commission_reversed', 'converted.exchange_rate') }} as commission_reversed
from converted
left join products on converted.product_id = products.product_id
