with lines as (
    select * from {{ ref('fct_order_lines') }}
    where is_paid
),

seller_orders as (
    select * from {{ ref('fct_seller_orders') }}
),

returns as (
    select distinct order_line_id from {{ ref('fct_returns') }}
),

span as (
    select * from {{ ref('int_span') }}
),

flagged as (
    select
        lines.order_id,
        lines.seller_id,
        max(
            case
                when not lines.is_valid then 0
                when lines.delivered_on > lines.promised_on then 1
                when lines.delivered_on is null and lines.promised_on <= span.as_of then 1
                else 0
            end
        ) = 1 as has_late_delivery,
        count_if(lines.is_cancelled) > 0 as has_cancellation,
        count_if(lines.is_refunded) > 0 as has_refund,
        count_if(returns.order_line_id is not null) > 0 as has_return,
        count_if(lines.is_claimed) > 0 as has_claim,
        count_if(lines.is_refused) > 0 and count_if(not lines.is_refused) > 0 as has_partial_refusal
    from lines
    cross join span
    left join returns on lines.order_line_id = returns.order_line_id
    group by lines.order_id, lines.seller_id
)

select
    seller_orders.order_id,
    seller_orders.seller_id,
    seller_orders.ordered_on,
    seller_orders.is_reviewed,
    seller_orders.is_negatively_reviewed,
    seller_orders.is_due and seller_orders.is_late_shipment as has_late_shipment,
    flagged.has_late_delivery,
    flagged.has_cancellation,
    flagged.has_refund,
    flagged.has_return,
    flagged.has_claim,
    flagged.has_partial_refusal
from seller_orders
inner join flagged on seller_orders.order_id = flagged.order_id and seller_orders.seller_id = flagged.seller_id
