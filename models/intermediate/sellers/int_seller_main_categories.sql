with sold as (
    select
        seller_id,
        category,
        {{ period_start('month', 'ordered_on') }} as sold_in,
        sum(net_value) as net_value
    from {{ ref('fct_seller_order_categories') }}
    group by seller_id, category, {{ period_start('month', 'ordered_on') }}
),

months as (
    select
        period_start,
        12 * extract(year from period_start) + extract(month from period_start) as month_no
    from {{ ref('int_periods') }}
    where period_grain = 'month'
),

-- each month counts for itself and the eleven after it
twelve_months as (
    select
        months.period_start,
        sold_months.period_start as sold_in
    from months
    inner join months as sold_months on months.month_no - sold_months.month_no between 0 and 11
),

ranked as (
    select
        sold.seller_id,
        twelve_months.period_start,
        sold.category,
        row_number() over (
            partition by sold.seller_id, twelve_months.period_start
            order by sum(sold.net_value) desc, sold.category
        ) as place
    from sold
    inner join twelve_months on sold.sold_in = twelve_months.sold_in
    group by sold.seller_id, twelve_months.period_start, sold.category
    having sum(sold.net_value) > 0
)

select
    seller_id,
    period_start,
    category
from ranked
where place = 1
