with months as (
    select * from {{ ref('int_balance_months') }}
),

-- the six final months to each, those with a value and enough sellers
windows as (
    select
        months.period_start,
        months.dimension,
        months.dimension_value,
        window_months.month_no,
        window_months.buyer_seller_ratio as ratio
    from months
    inner join months as window_months
        on months.dimension = window_months.dimension
        and months.dimension_value = window_months.dimension_value
        and window_months.month_no between months.month_no - 5 and months.month_no
    where window_months.buyer_seller_ratio is not null and window_months.active_sellers >= months.min_sellers
),

-- Mann-Kendall: every two months once; the months as high as a month are its tie
points as (
    select
        first.period_start,
        first.dimension,
        first.dimension_value,
        first.month_no,
        sum(case when second.month_no > first.month_no then sign(round(second.ratio - first.ratio, 9)) else 0 end) as steps,
        sum(case when round(second.ratio - first.ratio, 9) = 0 then 1 else 0 end) as tied
    from windows as first
    inner join windows as second
        on first.period_start = second.period_start
        and first.dimension = second.dimension
        and first.dimension_value = second.dimension_value
    group by first.period_start, first.dimension, first.dimension_value, first.month_no
),

sums as (
    select
        period_start,
        dimension,
        dimension_value,
        cast(sum(steps) as double) as s,
        cast(count(*) as double) as n,
        cast(sum((tied - 1) * (2 * tied + 5)) as double) as ties
    from points
    group by period_start, dimension, dimension_value
    having count(*) = 6
),

scores as (
    select
        *,
        case
            when s = 0 then cast(0 as double)
            else (s - sign(s)) / sqrt((n * (n - 1) * (2 * n + 5) - ties) / 18)
        end as z
    from sums
)

select
    period_start,
    dimension,
    dimension_value,
    {{ normal_p('z') }} as p_value,
    case
        when {{ normal_p('z') }} >= 1e-1 then 'flat'
        when s > 0 then 'rising'
        else 'falling'
    end as trend
from scores
