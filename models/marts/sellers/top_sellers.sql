with periods as (
    select * from {{ ref('int_periods') }}
    where period_grain in ('month', 'quarter', 'year')
),

segments as (
    select * from {{ ref('kpi_values') }}
    where
        kpi_id in ('gmv_net', 'product_views')
        and period_grain in ('month', 'quarter', 'year')
        and dimension in ('all', 'seller')
),

market as (
    select
        period_grain,
        period_start,
        max(case when kpi_id = 'gmv_net' then value end) as gmv_net,
        max(case when kpi_id = 'product_views' then value end) as product_views
    from segments
    where dimension = 'all'
    group by period_grain, period_start
),

sold as (
    select
        period_grain,
        period_start,
        dimension_value as seller_id,
        value as gmv_net,
        row_number() over (
            partition by period_grain, period_start order by value desc, dimension_value
        ) as place
    from segments
    where kpi_id = 'gmv_net' and dimension = 'seller' and value > 0
),

viewed as (
    select
        period_grain,
        period_start,
        dimension_value as seller_id,
        value as product_views
    from segments
    where kpi_id = 'product_views' and dimension = 'seller'
),

compared as (
    select
        sold.period_grain,
        sold.period_start,
        periods.is_partial,
        sold.place,
        sold.seller_id,
        sold.gmv_net,
        {{ ratio('sold.gmv_net', 'market.gmv_net') }} as share,
        case when market.product_views is not null then coalesce(viewed.product_views, 0) end as product_views,
        {{ ratio('coalesce(viewed.product_views, 0)', 'market.product_views') }} as view_share,
        before.place as rank_before
    from sold
    inner join periods on sold.period_grain = periods.period_grain and sold.period_start = periods.period_start
    inner join market on sold.period_grain = market.period_grain and sold.period_start = market.period_start
    left join viewed
        on sold.period_grain = viewed.period_grain
        and sold.period_start = viewed.period_start
        and sold.seller_id = viewed.seller_id
    left join sold as before
        on sold.period_grain = before.period_grain
        and {{ period_before('periods') }} = before.period_start
        and sold.seller_id = before.seller_id
    where sold.place <= 100
)

select
    -- ids
    period_grain,
    period_start,
    cast(place as bigint) as rank,
    seller_id,

    -- flags
    is_partial,

    -- sales in the reporting currency
    gmv_net,
    share,
    sum(share) over (
        partition by period_grain, period_start order by place rows between unbounded preceding and current row
    ) as cumulated_share,

    -- what is looked at, and what is bought
    product_views,
    view_share,
    case when product_views >= 20 then {{ ratio('share', 'view_share') }} end as conversion_gap,
    cast(rank_before as bigint) as rank_before
from compared
