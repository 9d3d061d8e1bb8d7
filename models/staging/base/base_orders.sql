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
    is_test,
    {{ judgement('orders') }}
from {{ delivered('orders') }}
