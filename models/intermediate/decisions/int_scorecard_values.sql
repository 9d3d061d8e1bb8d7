with periods as (
    select * from {{ ref('int_kpi_periods') }}
    where period_grain <> 'day'
),

segments as (
    select
        kpi_id,
        period_grain,
        'all' as dimension,
        'all' as dimension_value
    from periods
    union
    select
        kpi_id,
        period_grain,
        dimension,
        dimension_value
    from {{ ref('kpi_targets') }}
    where not (dimension in ('seller', 'campaign') and period_grain = 'week')
),

counted as (
    select
        kpi_id,
        denominator is null as has_no_denominator
    from {{ ref('dim_kpi') }}
),

known as (
    select measured.*
    from {{ ref('kpi_values') }} as measured
    inner join segments
        on measured.kpi_id = segments.kpi_id
        and measured.period_grain = segments.period_grain
        and measured.dimension = segments.dimension
        and measured.dimension_value = segments.dimension_value
    where measured.period_grain <> 'day'
)

select
    periods.kpi_id,
    periods.period_grain,
    periods.period_start,
    segments.dimension,
    segments.dimension_value,
    -- nothing happened in the segment
    coalesce(known.numerator, case when counted.has_no_denominator and periods.has_terms then 0 end) as numerator,
    known.denominator,
    coalesce(known.value, case when counted.has_no_denominator and periods.has_terms then 0 end) as value,
    known.sample_size
from periods
inner join segments
    on periods.kpi_id = segments.kpi_id
    and periods.period_grain = segments.period_grain
inner join counted on periods.kpi_id = counted.kpi_id
left join known
    on periods.kpi_id = known.kpi_id
    and periods.period_grain = known.period_grain
    and periods.period_start = known.period_start
    and segments.dimension = known.dimension
    and segments.dimension_value = known.dimension_value
