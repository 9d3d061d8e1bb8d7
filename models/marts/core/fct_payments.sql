with payments as (
    select * from {{ ref('stg_payments') }}
),

orders as (
    select * from {{ ref('int_orders') }}
),

counted as (
    select
        payments.*,
        orders.country,
        orders.region
    from payments
    left join orders on payments.order_id = orders.order_id
    where coalesce(orders.is_counted, true)
),

{{ converted('counted', day='attempted_on', at='attempted_at') }}

select
    -- ids
    payment_id,
    order_id,

    -- attributes
    country,
    region,
    status,
    method,
    failure_reason,
    currency,

    -- times
    attempted_at,
    attempted_on,

    -- flags
    status = 'succeeded' as is_succeeded,

    -- money
    cast(amount as decimal(18, 4)) as amount_original,
    {{ reported('amount', 'exchange_rate') }} as amount,
    {{ reported('fee_amount', 'exchange_rate') }} as fee_amount
from converted
