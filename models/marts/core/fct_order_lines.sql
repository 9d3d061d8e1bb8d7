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

claims as (
    select
        order_line_id,
        max(case when not is_withdrawn then 1 else 0 end) = 1 as is_claimed,
        max(case when is_defect then 1 else 0 end) = 1 as is_dispute_defect
    from {{ ref('fct_claims') }}
    group by order_line_id
),

returns as (
    select
        order_line_id,
        requested_on,
        sum(quantity) as quantity
    from {{ ref('fct_returns') }}
    group by order_line_id, requested_on
),

-- where no acceptance is ever recorded there is no such step
acceptance as (
    select is_present as is_recorded from {{ ref('int_inputs') }}
    where need = 'order_lines.accepted_at'
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
        {{ known('lines.cancelled_at') }} as known_cancelled_at,
        acceptance.is_recorded as is_acceptance_recorded
    from lines
    inner join orders on lines.order_id = orders.order_id
    cross join span
    cross join acceptance
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
        and (
            coalesce(known_shipped_at, known_delivered_at) is null
            or known_cancelled_at < coalesce(known_shipped_at, known_delivered_at)
        ) as is_cancelled_before_shipment
    from known
),

-- without an acceptance step a line is accepted unless it falls before shipment
judged as (
    select
        *,
        case
            when is_acceptance_recorded then known_accepted_at is not null
            else not is_refused and not is_cancelled_before_shipment
        end as was_accepted,
        case
            when is_acceptance_recorded then is_cancelled and (known_accepted_at is null or known_cancelled_at < known_accepted_at)
            else is_cancelled_before_shipment
        end as is_cancelled_before_acceptance
    from flagged
),

dated as (
    select
        *,
        {{ business_day('left_at') }} as shipped_on,
        {{ business_day('promised_delivery_at') }} as promised_on,
        {{ business_day('known_delivered_at') }} as delivered_on,
        {{ reported('line_value_original', 'exchange_rate') }} as line_value
    from judged
),

-- units asked back within 30 days of delivery
returned as (
    select
        dated.order_line_id,
        sum(returns.quantity) as returned_quantity
    from dated
    inner join returns
        on dated.order_line_id = returns.order_line_id
        and returns.requested_on between dated.delivered_on and {{ add_days('dated.delivered_on', 30) }}
    group by dated.order_line_id
)

select
    -- ids
    dated.order_line_id,
    dated.order_id,
    dated.seller_id,
    dated.product_id,
    dated.offer_id,
    dated.customer_id,

    -- attributes
    dated.category,
    dated.product_family,
    dated.country,
    dated.region,
    dated.sales_channel,
    dated.customer_type,
    dated.fulfilled_by,
    dated.currency,

    -- times
    dated.ordered_at,
    dated.ordered_on,
    dated.paid_at,
    dated.known_accepted_at as accepted_at,
    dated.known_refused_at as refused_at,
    dated.ship_by_at,
    dated.left_at as shipped_at,
    dated.shipped_on,
    dated.promised_on,
    dated.known_delivered_at as delivered_at,
    dated.delivered_on,
    dated.known_cancelled_at as cancelled_at,
    case when dated.is_cancelled then dated.cancelled_by end as cancelled_by,

    -- flags
    dated.is_paid,
    dated.is_refused,
    dated.is_cancelled,
    dated.is_cancelled_before_shipment,
    case
        when dated.is_cancelled_before_acceptance and dated.cancelled_by = 'buyer' then 'left_out'
        when
            dated.is_refused
            or (dated.is_cancelled_before_acceptance and dated.cancelled_by in ('seller', 'platform'))
            then 'refused'
        when dated.was_accepted then 'accepted'
        else 'waiting'
    end as acceptance_status,
    dated.is_paid and not dated.is_refused and not dated.is_cancelled as is_valid,
    dated.was_accepted and not dated.is_refused as is_accepted,
    dated.left_at is not null as is_shipped,
    dated.known_delivered_at is not null as is_delivered,
    coalesce(dated.fulfilled_by = 'platform', false) as is_platform_fulfilled,
    coalesce(refunds.is_refunded, false) as is_refunded,
    coalesce(claims.is_claimed, false) as is_claimed,
    coalesce(claims.is_dispute_defect, false) as is_dispute_defect,
    dated.tracking_valid as is_tracking_valid,

    -- numerics, money in the currency of the order
    dated.quantity,
    case when dated.known_delivered_at is not null then cast(least(dated.quantity, coalesce(returned.returned_quantity, 0)) as bigint) else 0 end as returned_quantity,
    dated.unit_price,
    dated.exchange_rate,
    dated.line_value_original,

    -- money in the reporting currency
    dated.line_value,
    {{ reported('dated.shipping_amount', 'dated.exchange_rate') }} as shipping_amount,
    {{ reported('dated.platform_discount', 'dated.exchange_rate') }} as platform_discount,
    {{ reported('dated.commission_amount', 'dated.exchange_rate') }} as commission_amount,
    {{ reported('dated.quantity * dated.unit_cost', 'dated.exchange_rate') }} as handling_cost,
    coalesce(refunds.refunded_amount, 0) as refunded_amount,
    case
        when dated.is_refused or dated.is_cancelled then 0
        else dated.line_value - least(coalesce(refunds.refunded_amount, 0), dated.line_value)
    end as net_value
from dated
left join refunds on dated.order_line_id = refunds.order_line_id
left join claims on dated.order_line_id = claims.order_line_id
left join returned on dated.order_line_id = returned.order_line_id
