with months as (
    select * from {{ ref('int_balance_months') }}
),

usual as (
    select
        months.period_start,
        months.dimension,
        months.dimension_value,
        count(earlier.buyer_seller_ratio) as months_known,
        {{ exact_percentile('earlier.buyer_seller_ratio', 0.1) }} as band_low,
        {{ exact_percentile('earlier.buyer_seller_ratio', 0.9) }} as band_high
    from months
    inner join months as earlier
        on months.dimension = earlier.dimension
        and months.dimension_value = earlier.dimension_value
        and earlier.month_no between months.month_no - 12 and months.month_no - 1
        and earlier.active_sellers >= months.min_sellers
    group by months.period_start, months.dimension, months.dimension_value
)

select
    months.period_start,
    months.dimension,
    months.dimension_value,
    coalesce(months.target_low, usual.band_low) as band_low,
    coalesce(months.target_high, usual.band_high) as band_high
from months
left join usual
    on months.period_start = usual.period_start
    and months.dimension = usual.dimension
    and months.dimension_value = usual.dimension_value
    and usual.months_known >= 8
