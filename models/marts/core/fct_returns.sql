with returns as (
    select * from {{ ref('stg_returns') }}
),

lines as (
    select * from {{ ref('int_order_lines') }}
),

span as (
    select * from {{ ref('int_span') }}
)

select
    -- ids
    returns.return_id,
    returns.order_line_id,
    lines.order_id,
    lines.seller_id,
    lines.product_id,

    -- attributes
    returns.reason,

    -- times
    returns.requested_at,
    {{ business_day('returns.requested_at') }} as requested_on,
    {{ known('returns.received_at') }} as received_at,

    -- numerics
    returns.quantity
from returns
cross join span
left join lines on returns.order_line_id = lines.order_line_id
where
    returns.requested_at < span.as_of_end
    and coalesce(lines.is_counted, true)
