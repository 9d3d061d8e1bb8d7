-- Which advertising channels bring back more than they cost?
-- The latest quarter that is final. A return below 0 means that the margin of the orders did not pay for the clicks.
with latest as (
    select max(period_start) as period_start from {{ ref('kpi_scorecard') }}
    where kpi_id = 'marketing_roi' and period_grain = 'quarter' and is_latest
)

select
    marts.period_start as quarter,
    marts.dimension_value as channel,
    round(marts.order_ad_spend, 2) as ad_spend,
    marts.paid_channel_valid_orders as orders,
    marts.paid_channel_new_buyers as new_buyers,
    round(marts.paid_channel_margin, 2) as margin,
    round(marts.marketing_roi, 3) as return_on_spend
from {{ ref('kpi_acquisition') }} as marts
inner join latest on marts.period_start = latest.period_start
where marts.period_grain = 'quarter' and marts.dimension = 'channel' and marts.order_ad_spend > 0
order by marts.marketing_roi desc, channel
