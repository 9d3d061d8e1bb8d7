with shown as (
    select * from {{ ref('kpi_values') }}
    where period_grain = 'month' and dimension not in ('seller', 'campaign')
),

of_all as (
    select * from shown
    where dimension = 'all'
),

first_days as (
    select * from {{ ref('int_first_days') }}
    where period_grain = 'month'
),

others as (
    select
        shown.kpi_id,
        shown.period_start,
        shown.dimension,
        shown.dimension_value,
        pairs.compared_with,
        case
            when pairs.is_partial then {{ first_days_value('shown', 'kpis') }}
            when other.kpi_id is not null then other.value
            -- nothing happened in the segment
            when kpis.denominator is null and of_all.numerator is not null then 0
        end as value
    from shown
    inner join {{ ref('dim_kpi') }} as kpis on shown.kpi_id = kpis.kpi_id
    inner join {{ ref('int_period_pairs') }} as pairs
        on shown.period_grain = pairs.period_grain
        and shown.period_start = pairs.period_start
    left join shown as other
        on shown.kpi_id = other.kpi_id
        and pairs.other_start = other.period_start
        and shown.dimension = other.dimension
        and shown.dimension_value = other.dimension_value
    left join of_all
        on shown.kpi_id = of_all.kpi_id
        and pairs.other_start = of_all.period_start
    {{ join_first_days('shown', 'pairs') }}
)

select
    shown.kpi_id,
    shown.period_start,
    shown.dimension,
    shown.dimension_value,

    -- what it is
    kpis.label_en,
    kpis.label_fr,
    kpis.family,
    kpis.unit,
    kpis.format,
    kpis.owner,
    kpis.direction,

    -- how much
    shown.value,
    {{ value_as_text('shown.value', 'kpis.format') }} as value_text,
    shown.numerator,
    shown.denominator,
    shown.sample_size,
    before.value as previous_value,
    year_before.value as previous_year_value,

    -- how far it may be relied on
    shown.is_partial,
    shown.is_mature,
    shown.is_covered,
    coalesce(shown.sample_size < 5, false) as is_small
from shown
inner join {{ ref('dim_kpi') }} as kpis on shown.kpi_id = kpis.kpi_id
left join others as before
    on shown.kpi_id = before.kpi_id
    and shown.period_start = before.period_start
    and shown.dimension = before.dimension
    and shown.dimension_value = before.dimension_value
    and before.compared_with = 'previous'
left join others as year_before
    on shown.kpi_id = year_before.kpi_id
    and shown.period_start = year_before.period_start
    and shown.dimension = year_before.dimension
    and shown.dimension_value = year_before.dimension_value
    and year_before.compared_with = 'previous_year'
