with lines as (
    select * from {{ ref('stg_order_lines') }}
),

orders as (
    select * from {{ ref('int_orders') }}
    where is_counted
),

products as (
    select * from {{ ref('stg_products') }}
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
),

span as (
    select * from {{ ref('int_span') }}
),

refunds as (
    select
        order_line_id,
        sum(amount) as refunded_amount,
        max(case when reason is null or reason <> 'cancellation' then 1 else 0 end) = 1 as is_refunded
    from {{ ref('fct_refunds') }}
    group by order_line_id
),

-- what had happened by the end of as_of
known as (
    select
        lines.*,
        orders.customer_id,
        orders.currency,
        orders.country,
        orders.region,
        orders.sales_channel,
        orders.customer_type,
        orders.ordered_at,
        orders.ordered_on,
        orders.paid_at,
        orders.is_paid,
        products.category,
        coalesce(products.product_family, products.product_id, lines.product_id) as product_family,
        {{ exchange_rate('orders.currency', 'orders.ordered_on', 'rates') }} as exchange_rate,
        cast(lines.quantity * lines.unit_price - coalesce(lines.seller_discount, 0) as decimal(18, 4)) as line_value_original,
        {{ known('lines.accepted_at') }} as known_accepted_at,
        {{ known('lines.refused_at') }} as known_refused_at,
        {{ known('lines.shipped_at') }} as known_shipped_at,
        {{ known('lines.delivered_at') }} as known_delivered_at,
        {{ known('lines.cancelled_at') }} as known_cancelled_at
    from lines
    inner join orders on lines.order_id = orders.order_id
    cross join span
    left join products on lines.product_id = products.product_id
    left join rates on orders.currency = rates.currency and orders.ordered_on = rates.rate_day
),

flagged as (
    select
        *,
        coalesce(known_shipped_at, known_delivered_at) as left_at,
        known_refused_at is not null as is_refused,
        known_cancelled_at is not null as is_cancelled,
        known_cancelled_at is not null
        and (known_accepted_at is null or known_cancelled_at < known_accepted_at) as is_cancelled_before_acceptance,
        known_cancelled_at is not null
        and (
            coalesce(known_shipped_at, known_delivered_at) is null
            or known_cancelled_at < coalesce(known_shipped_at, known_delivered_at)
        ) as is_cancelled_before_shipment
    from known
)

select
    -- ids
    flagged.order_line_id,
    flagged.order_id,
    flagged.seller_id,
    flagged.product_id,
    flagged.offer_id,
    flagged.customer_id,

    -- attributes
    flagged.category,
    flagged.product_family,
    flagged.country,
    flagged.region,
    flagged.sales_channel,
    flagged.customer_type,
    flagged.fulfilled_by,
    flagged.currency,

    -- times
    flagged.ordered_at,
    flagged.ordered_on,
    flagged.paid_at,
    flagged.known_accepted_at as accepted_at,
    flagged.known_refused_at as refused_at,
    flagged.ship_by_at,
    flagged.left_at as shipped_at,
    {{ business_day('flagged.left_at') }} as shipped_on,
    {{ business_day('flagged.promised_delivery_at') }} as promised_on,
    flagged.known_delivered_at as delivered_at,
    {{ business_day('flagged.known_delivered_at') }} as delivered_on,
    flagged.known_cancelled_at as cancelled_at,
    case when flagged.is_cancelled then flagged.cancelled_by end as cancelled_by,

    -- flags
    flagged.is_paid,
    flagged.is_refused,
    flagged.is_cancelled,
    flagged.is_cancelled_before_shipment,
    case
        when flagged.is_cancelled_before_acceptance and flagged.cancelled_by = 'buyer' then 'left_out'
        when
            flagged.is_refused
            or (flagged.is_cancelled_before_acceptance and flagged.cancelled_by in ('seller', 'platform'))
            then 'refused'
        when flagged.known_accepted_at is not null then 'accepted'
        else 'waiting'
    end as acceptance_status,
    flagged.is_paid and not flagged.is_refused and not flagged.is_cancelled as is_valid,
    flagged.known_accepted_at is not null and not flagged.is_refused as is_accepted,
    flagged.left_at is not null as is_shipped,
    flagged.known_delivered_at is not null as is_delivered,
    coalesce(flagged.fulfilled_by = 'platform', false) as is_platform_fulfilled,
    coalesce(refunds.is_refunded, false) as is_refunded,
    flagged.tracking_valid as is_tracking_valid,

    -- numerics, money in the currency of the order
    flagged.quantity,
    flagged.unit_price,
    flagged.exchange_rate,
    flagged.line_value_original,

    -- money in the reporting currency
    {{ reported('flagged.line_value_original', 'flagged.exchange_rate') }} as line_value,
    {{ reported('flagged.shipping_amount', 'flagged.exchange_rate') }} as shipping_amount,
    {{ reported('flagged.platform_discount', 'flagged.exchange_rate') }} as platform_discount,
    {{ reported('flagged.commission_amount', 'flagged.exchange_rate') }} as commission_amount,
    {{ reported('flagged.quantity * flagged.unit_cost', 'flagged.exchange_rate') }} as handling_cost,
    coalesce(refunds.refunded_amount, 0) as refunded_amount,
    case
        when flagged.is_refused or flagged.is_cancelled then 0
        else {{ reported('flagged.line_value_original', 'flagged.exchange_rate') }} - least(
            coalesce(refunds.refunded_amount, 0),
            {{ reported('flagged.line_value_original', 'flagged.exchange_rate') }}
        )
    end as net_value
from flagged
left join refunds on flagged.order_line_id = refunds.order_line_id
