-- The days on which things happened to a seller order; missing: not by the end of as_of.
with seller_orders as (
    select * from {{ ref('fct_seller_orders') }}
),

lines as (
    select * from {{ ref('fct_order_lines') }}
    where is_paid
),

-- only what some window can hold
first_day as (
    select min(first_on) as first_on from {{ ref('int_seller_kpis') }}
),

judged as (
    select
        order_id,
        seller_id,
        accepted_at,
        -- a line is settled by its refusal, its acceptance, or the buyer's cancellation before it
        case when acceptance_status = 'refused' then least(
            refused_at,
            case
                when cancelled_by in ('seller', 'platform') and (accepted_at is null or cancelled_at < accepted_at)
                    then cancelled_at
            end
        ) end as turned_down_at,
        case acceptance_status when 'accepted' then accepted_at when 'left_out' then cancelled_at end as settled_at,
        least(refused_at, cancelled_at) as cancelled_at,
        least(
            refused_at, case when is_cancelled_before_shipment and cancelled_by = 'seller' then cancelled_at end
        ) as seller_cancelled_at
    from lines
),

settled as (
    select
        order_id,
        seller_id,
        -- where no acceptance is recorded there was nothing to decide
        coalesce(min(turned_down_at), case when count(accepted_at) > 0 then max(settled_at) end) as decided_at,
        min(cancelled_at) as cancelled_at,
        min(seller_cancelled_at) as seller_cancelled_at
    from judged
    group by order_id, seller_id
),

reviews as (
    select
        order_id,
        seller_id,
        min(created_on) as reviewed_on,
        min(case when rating <= 2 then created_on end) as negatively_reviewed_on
    from {{ ref('fct_reviews') }}
    where subject = 'seller' and not is_withdrawn
    group by order_id, seller_id
),

disputes as (
    select
        order_id,
        seller_id,
        min(opened_on) as disputed_on
    from {{ ref('fct_claims') }}
    where is_defect
    group by order_id, seller_id
)

select
    seller_orders.order_id,
    seller_orders.seller_id,
    seller_orders.acceptance_status,
    seller_orders.ordered_on,
    {{ business_day('seller_orders.paid_at') }} as paid_on,
    {{ business_day('settled.decided_at') }} as decided_on,
    {{ business_day('seller_orders.ship_by_at') }} as ship_by_on,
    {{ business_day('seller_orders.shipped_at') }} as shipped_on,
    case when seller_orders.is_due then seller_orders.due_on end as due_on,
    seller_orders.delivered_on,
    case when seller_orders.is_due and seller_orders.is_late_shipment then seller_orders.due_on end as late_on,
    {{ business_day('settled.cancelled_at') }} as cancelled_on,
    {{ business_day('settled.seller_cancelled_at') }} as seller_cancelled_on,
    reviews.reviewed_on,
    reviews.negatively_reviewed_on,
    least(reviews.negatively_reviewed_on, disputes.disputed_on) as defect_on,
    seller_orders.acceptance_hours,
    seller_orders.processing_hours
from seller_orders
cross join first_day
left join settled on seller_orders.order_id = settled.order_id and seller_orders.seller_id = settled.seller_id
left join reviews on seller_orders.order_id = reviews.order_id and seller_orders.seller_id = reviews.seller_id
left join disputes on seller_orders.order_id = disputes.order_id and seller_orders.seller_id = disputes.seller_id
where
    seller_orders.ordered_on >= first_day.first_on
    or seller_orders.due_on >= first_day.first_on
    or seller_orders.delivered_on >= first_day.first_on
