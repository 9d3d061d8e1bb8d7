-- In which categories do many buyers meet few sellers?
-- The latest complete month: buyers per seller, how much of the sales the ten largest hold, and how many offers sell.
-- A category with many buyers per seller and offers that sell is where a new seller is missed most.
select
    period_start as month,
    dimension_value as category,
    active_buyers_30d as buyers,
    active_sellers as sellers,
    round(buyer_seller_ratio, 2) as buyers_per_seller,
    round(top10_seller_share, 3) as share_of_ten_largest,
    round(offer_liquidity_rate, 3) as offers_that_sell
from {{ ref('kpi_balance') }}
where
    period_grain = 'month'
    and dimension = 'category'
    and dimension_value <> 'unknown'
    and active_sellers >= 5
    and period_start = (
        select max(complete.period_start) from {{ ref('kpi_balance') }} as complete
        where complete.period_grain = 'month' and not complete.is_partial
    )
order by buyer_seller_ratio desc, category
