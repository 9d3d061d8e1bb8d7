-- Did sales grow by more orders or by dearer ones, and where?
-- The latest complete quarter against the same quarter a year before, by country of the order. The part of each factor
-- is its change at the mean of the other, so that the two add up to the change.
with quarters as (
    select
        *,
        max(case when not is_partial then period_start end) over () as latest
    from {{ ref('kpi_sales') }}
    where period_grain = 'quarter' and dimension = 'country'
),

compared as (
    select
        dimension_value as country,
        cast(coalesce(sum(case when period_start = latest then gmv end), 0) as double) as gmv,
        cast(coalesce(sum(case when period_start < latest then gmv end), 0) as double) as gmv_before,
        coalesce(sum(case when period_start = latest then orders end), 0) as orders,
        coalesce(sum(case when period_start < latest then orders end), 0) as orders_before
    from quarters
    where
        period_start = latest
        or (
            extract(year from period_start) = extract(year from latest) - 1
            and extract(month from period_start) = extract(month from latest)
        )
    group by dimension_value
)

select
    country,
    orders,
    orders_before,
    round(gmv, 2) as gmv,
    round(gmv - gmv_before, 2) as change,
    round((orders - orders_before) * (gmv / orders + gmv_before / orders_before) / 2, 2) as by_more_orders,
    round((gmv / orders - gmv_before / orders_before) * (orders + orders_before) / 2, 2) as by_dearer_orders
from compared
where orders > 0 and orders_before > 0
order by change desc, country
