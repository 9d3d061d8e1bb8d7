-- How many sellers stand behind most of the defective orders?
-- The latest mature quarter: sellers by defective seller orders, with the share of all of them that they add up to.
with latest as (
    select max(period_start) as period_start from {{ ref('kpi_values') }}
    where
        kpi_id = 'order_defect_rate'
        and period_grain = 'quarter'
        and dimension = 'all'
        and is_mature
        and not is_partial
),

sellers as (
    select
        kpi_values.dimension_value as seller_id,
        kpi_values.numerator as defective,
        kpi_values.denominator as seller_orders,
        sum(kpi_values.numerator) over () as all_defective,
        sum(kpi_values.numerator) over (
            order by kpi_values.numerator desc, kpi_values.dimension_value
            rows between unbounded preceding and current row
        ) as cumulated
    from {{ ref('kpi_values') }} as kpi_values
    inner join latest on kpi_values.period_start = latest.period_start
    where
        kpi_values.kpi_id = 'order_defect_rate'
        and kpi_values.period_grain = 'quarter'
        and kpi_values.dimension = 'seller'
        and kpi_values.numerator > 0
)

select
    seller_id,
    cast(seller_orders as bigint) as seller_orders,
    cast(defective as bigint) as defective,
    round(defective / seller_orders, 3) as defect_rate,
    round(cumulated / all_defective, 3) as cumulated_share
from sellers
order by defective desc, seller_id
limit 10
