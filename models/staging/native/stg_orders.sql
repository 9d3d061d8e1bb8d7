select
    order_id,
    customer_id,
    ordered_at,
    paid_at,
    currency,
    sales_channel,
    session_id,
    country,
    region,
    is_test
from {{ ref('base_orders') }}
where _fault is null and _is_latest
