with judged as (
    select
        months.period_start,
        months.dimension,
        months.dimension_value,
        months.buyer_seller_ratio,
        months.active_sellers,
        bands.band_low,
        bands.band_high,
        case
            when months.active_sellers < months.min_sellers then null
            when months.buyer_seller_ratio < bands.band_low then 'low'
            when months.buyer_seller_ratio > bands.band_high then 'high'
            when months.buyer_seller_ratio is not null and bands.band_low is not null then 'in_band'
        end as level,
        coalesce(trends.trend, 'unknown') as trend
    from {{ ref('int_balance_months') }} as months
    inner join {{ ref('int_balance_bands') }} as bands
        on months.period_start = bands.period_start
        and months.dimension = bands.dimension
        and months.dimension_value = bands.dimension_value
    left join {{ ref('int_balance_trends') }} as trends
        on months.period_start = trends.period_start
        and months.dimension = trends.dimension
        and months.dimension_value = trends.dimension_value
)

select
    period_start,
    dimension,
    dimension_value,
    buyer_seller_ratio,
    cast(active_sellers as bigint) as active_sellers,
    band_low,
    band_high,
    level,
    trend,
    case
        when level is null then 'insufficient_data'
        -- it is coming right by itself
        when (level = 'low' and trend = 'rising') or (level = 'high' and trend = 'falling') then 'watch'
        when level = 'low' or (level = 'in_band' and trend = 'falling') then 'attract_buyers'
        when level = 'high' or (level = 'in_band' and trend = 'rising') then 'recruit_sellers'
        else 'hold'
    end as advice
from judged
