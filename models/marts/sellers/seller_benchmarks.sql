with kpis as (
    select * from {{ ref('dim_kpi') }}
    where family in ('seller_quality', 'satisfaction')
),

-- the seller itself has the minimum volume; counts have neither denominator nor sample size
measured as (
    select
        segments.dimension_value as seller_id,
        segments.period_start,
        segments.kpi_id,
        segments.value,
        segments.sample_size,
        segments.is_partial,
        segments.is_mature,
        kpis.direction
    from {{ ref('kpi_values') }} as segments
    inner join kpis on segments.kpi_id = kpis.kpi_id
    where
        segments.dimension = 'seller'
        and segments.dimension_value <> 'unknown'
        and segments.period_grain = 'month'
        and segments.value is not null
        and (segments.denominator is not null or segments.sample_size is not null)
        and (segments.sample_size is null or segments.sample_size >= 20)
),

main_categories as (
    select * from {{ ref('int_seller_main_categories') }}
),

placed as (
    select
        measured.*,
        main_categories.category,
        count(*) over (
            partition by measured.kpi_id, measured.period_start, main_categories.category
        ) as category_sellers
    from measured
    left join main_categories
        on measured.seller_id = main_categories.seller_id
        and measured.period_start = main_categories.period_start
),

grouped as (
    select
        *,
        category is not null and category_sellers >= 6 as is_in_category
    from placed
),

-- everyone counts in `all`, also those shown against their category
members as (
    select
        kpi_id,
        period_start,
        true as is_in_category,
        category as seller_group,
        seller_id,
        value,
        direction
    from grouped
    where is_in_category
    union all
    select
        kpi_id,
        period_start,
        false as is_in_category,
        'all' as seller_group,
        seller_id,
        value,
        direction
    from grouped
),

-- values that differ in the last bits of a sum only are equal
ranked as (
    select
        *,
        count(*) over (partition by kpi_id, period_start, is_in_category, seller_group) as group_size,
        case direction
            when 'up' then count(*) over (
                partition by kpi_id, period_start, is_in_category, seller_group order by round(value, 9)
            )
            when 'down' then count(*) over (
                partition by kpi_id, period_start, is_in_category, seller_group order by round(value, 9) desc
            )
        end as not_better
    from members
),

medians as (
    select
        kpi_id,
        period_start,
        is_in_category,
        seller_group,
        {{ exact_percentile('value', 0.5) }} as group_median
    from members
    group by kpi_id, period_start, is_in_category, seller_group
)

select
    -- ids
    grouped.seller_id,
    grouped.period_start,
    grouped.kpi_id,

    -- flags
    grouped.is_partial,
    grouped.is_mature,

    -- the seller and its group
    grouped.value,
    grouped.sample_size,
    ranked.seller_group,
    case when ranked.group_size >= 6 then medians.group_median end as group_median,
    case when ranked.group_size >= 6 then {{ ratio('ranked.not_better', 'ranked.group_size') }} end as percentile,
    ranked.group_size
from grouped
inner join ranked
    on grouped.kpi_id = ranked.kpi_id
    and grouped.period_start = ranked.period_start
    and grouped.is_in_category = ranked.is_in_category
    and grouped.seller_id = ranked.seller_id
inner join medians
    on ranked.kpi_id = medians.kpi_id
    and ranked.period_start = medians.period_start
    and ranked.is_in_category = medians.is_in_category
    and ranked.seller_group = medians.seller_group
