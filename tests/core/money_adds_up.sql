-- Commissions, refunds, fees, discounts and costs of the staged extracts, converted at the rate of their own day, equal the
-- ledger and the cost facts per day and seller, to the cent and beyond. A row here is a day and seller that does not add up.
{{ config(meta={'proves': 'money of the extracts arrives in the marts, each amount once'}) }}

with span as (
    select * from {{ ref('int_span') }}
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
),

orders as (
    select
        orders.order_id,
        orders.currency,
        orders.ordered_at,
        coalesce(orders.paid_at < span.as_of_end, false) as is_paid,
        coalesce(orders.is_test, false) as is_outside
    from {{ ref('stg_orders') }} as orders
    cross join span
    where orders.ordered_at < span.as_of_end or orders.is_test
),

amounts as (
    select
        case
            when lines.shipped_at < span.as_of_end then {{ business_day('lines.shipped_at') }}
            else {{ business_day('lines.delivered_at') }}
        end as posted_on,
        lines.seller_id,
        orders.currency,
        {{ business_day('orders.ordered_at') }} as rate_day,
        case when orders.is_paid then coalesce(lines.commission_amount, 0) else 0 end as revenue,
        coalesce(lines.platform_discount, 0) as taken_off,
        lines.quantity * coalesce(lines.unit_cost, 0) as cost
    from {{ ref('stg_order_lines') }} as lines
    inner join orders on lines.order_id = orders.order_id
    cross join span
    where
        not orders.is_outside
        and (lines.shipped_at < span.as_of_end or lines.delivered_at < span.as_of_end)
    union all
    select
        {{ business_day('refunds.refunded_at') }} as posted_on,
        case when orders.order_id is not null then lines.seller_id end as seller_id,
        refunds.currency,
        {{ business_day('refunds.refunded_at') }} as rate_day,
        0 as revenue,
        case when orders.is_paid then coalesce(refunds.commission_reversed, 0) else 0 end as taken_off,
        0 as cost
    from {{ ref('stg_refunds') }} as refunds
    cross join span
    left join {{ ref('stg_order_lines') }} as lines on refunds.order_line_id = lines.order_line_id
    left join orders on lines.order_id = orders.order_id
    where refunds.refunded_at < span.as_of_end and not coalesce(orders.is_outside, false)
    union all
    select
        {{ business_day('fees.charged_at') }} as posted_on,
        fees.seller_id,
        fees.currency,
        {{ business_day('fees.charged_at') }} as rate_day,
        fees.amount as revenue,
        0 as taken_off,
        0 as cost
    from {{ ref('stg_seller_fees') }} as fees
    cross join span
    where fees.charged_at < span.as_of_end
    union all
    select
        {{ business_day('payments.attempted_at') }} as posted_on,
        cast(null as {{ dbt.type_string() }}) as seller_id,
        payments.currency,
        {{ business_day('payments.attempted_at') }} as rate_day,
        0 as revenue,
        0 as taken_off,
        coalesce(payments.fee_amount, 0) as cost
    from {{ ref('stg_payments') }} as payments
    cross join span
    left join orders on payments.order_id = orders.order_id
    where
        payments.attempted_at < span.as_of_end
        and payments.status = 'succeeded'
        and not coalesce(orders.is_outside, false)
),

staged as (
    select
        amounts.posted_on,
        coalesce(amounts.seller_id, '') as seller_id,
        sum({{ reported('amounts.revenue', exchange_rate('amounts.currency', 'amounts.rate_day', 'rates')) }})
        - sum({{ reported('amounts.taken_off', exchange_rate('amounts.currency', 'amounts.rate_day', 'rates')) }}) as platform_revenue,
        sum({{ reported('amounts.cost', exchange_rate('amounts.currency', 'amounts.rate_day', 'rates')) }}) as direct_cost
    from amounts
    left join rates on amounts.currency = rates.currency and amounts.rate_day = rates.rate_day
    group by amounts.posted_on, coalesce(amounts.seller_id, '')
),

ledger as (
    select
        posted_on,
        coalesce(seller_id, '') as seller_id,
        sum(platform_revenue) as platform_revenue,
        sum(direct_cost) as direct_cost
    from {{ ref('fct_ledger') }}
    group by posted_on, coalesce(seller_id, '')
)

select
    coalesce(staged.posted_on, ledger.posted_on) as posted_on,
    coalesce(staged.seller_id, ledger.seller_id) as seller_id,
    staged.platform_revenue as staged_revenue,
    ledger.platform_revenue as ledger_revenue,
    staged.direct_cost as staged_cost,
    ledger.direct_cost as ledger_cost
from staged
full outer join ledger on staged.posted_on = ledger.posted_on and staged.seller_id = ledger.seller_id
where
    coalesce(staged.platform_revenue, 0) <> coalesce(ledger.platform_revenue, 0)
    or coalesce(staged.direct_cost, 0) <> coalesce(ledger.direct_cost, 0)
