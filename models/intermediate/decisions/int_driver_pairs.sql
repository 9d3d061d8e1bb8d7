-- a median or percentile has no terms, so nothing can be divided among segments
select
    latest.kpi_id,
    latest.period_grain,
    latest.period_start,
    pairs.compared_with,
    pairs.other_start,
    kpis.denominator is not null as is_ratio,
    after.numerator as all_numerator_after,
    after.denominator as all_denominator_after,
    after.value as all_value_after,
    before.numerator as all_numerator_before,
    before.denominator as all_denominator_before,
    before.value as all_value_before
from {{ ref('int_kpi_periods') }} as latest
inner join {{ ref('dim_kpi') }} as kpis on latest.kpi_id = kpis.kpi_id
inner join {{ ref('int_period_pairs') }} as pairs
    on latest.period_grain = pairs.period_grain
    and latest.period_start = pairs.period_start
inner join {{ ref('int_kpi_periods') }} as other
    on latest.kpi_id = other.kpi_id
    and latest.period_grain = other.period_grain
    and pairs.other_start = other.period_start
inner join {{ ref('kpi_values') }} as after
    on latest.kpi_id = after.kpi_id
    and latest.period_grain = after.period_grain
    and latest.period_start = after.period_start
    and after.dimension = 'all'
inner join {{ ref('kpi_values') }} as before
    on latest.kpi_id = before.kpi_id
    and latest.period_grain = before.period_grain
    and pairs.other_start = before.period_start
    and before.dimension = 'all'
where
    latest.is_latest
    and latest.period_grain in ('week', 'month', 'quarter')
    and other.is_final
    and after.value is not null
    and after.numerator is not null
    and before.value is not null
