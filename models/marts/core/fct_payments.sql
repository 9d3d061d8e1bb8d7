with payments as (
    select * from {{ ref('stg_payments') }}
),

orders as (
    select * from {{ ref('int_orders') }}
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
),

span as (
    select * from {{ ref('int_span') }}
),

dated as (
    select
        payments.*,
        orders.country,
        orders.region,
        {{ business_day('payments.attempted_at') }} as attempted_on
    from payments
    cross join span
    left join orders on payments.order_id = orders.order_id
    where
        payments.attempted_at < span.as_of_end
        and coalesce(orders.is_counted, true)
),

converted as (
    select
        dated.*,
        {{ exchange_rate('dated.currency', 'dated.attempted_on', 'rates') }} as exchange_rate
    from dated
    left join rates on dated.currency = rates.currency and dated.attempted_on = rates.rate_day
)

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
