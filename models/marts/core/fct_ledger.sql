with lines as (
    select * from {{ ref('fct_order_lines') }}
    where is_shipped
),

postings as (
    select
        shipped_on as posted_on,
        seller_id,
        sum(case when is_paid then line_value else 0 end) as shipped_line_value,
        sum(case when is_paid then commission_amount else 0 end) as commission,
        0 as commission_reversed,
        0 as seller_fees,
        sum(platform_discount) as platform_discounts,
        sum(handling_cost) as handling_costs,
        0 as payment_fees
    from lines
    group by shipped_on, seller_id
    union all
    select
        refunded_on as posted_on,
        seller_id,
        0 as shipped_line_value,
        0 as commission,
        sum(commission_reversed) as commission_reversed,
        0 as seller_fees,
        0 as platform_discounts,
        0 as handling_costs,
        0 as payment_fees
    from {{ ref('fct_refunds') }}
    where is_of_paid_order
    group by refunded_on, seller_id
    union all
    select
        charged_on as posted_on,
        seller_id,
        0 as shipped_line_value,
        0 as commission,
        0 as commission_reversed,
        sum(amount) as seller_fees,
        0 as platform_discounts,
        0 as handling_costs,
        0 as payment_fees
    from {{ ref('fct_fees') }}
    group by charged_on, seller_id
    union all
    select
        attempted_on as posted_on,
        null as seller_id,
        0 as shipped_line_value,
        0 as commission,
        0 as commission_reversed,
        0 as seller_fees,
        0 as platform_discounts,
        0 as handling_costs,
        sum(fee_amount) as payment_fees
    from {{ ref('fct_payments') }}
    where is_succeeded
    group by attempted_on
),

summed as (
    select
        posted_on,
        seller_id,
        sum(shipped_line_value) as shipped_line_value,
        sum(commission) as commission,
        sum(commission_reversed) as commission_reversed,
        sum(seller_fees) as seller_fees,
        sum(platform_discounts) as platform_discounts,
        sum(handling_costs) as handling_costs,
        sum(payment_fees) as payment_fees
    from postings
    group by posted_on, seller_id
)

select
    -- ids
    posted_on,
    seller_id,

    -- money in the reporting currency
    shipped_line_value,
    commission,
    commission_reversed,
    seller_fees,
    platform_discounts,
    handling_costs,
    payment_fees,
    commission - commission_reversed + seller_fees - platform_discounts as platform_revenue,
    handling_costs + payment_fees as direct_cost
from summed
