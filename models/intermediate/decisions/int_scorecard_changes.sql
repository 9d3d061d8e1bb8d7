with shown as (
    select * from {{ ref('int_scorecard_values') }}
),

first_days as (
    select * from {{ ref('int_first_days') }}
),

others as (
    select
        shown.kpi_id,
        shown.period_grain,
        shown.period_start,
        shown.dimension,
        shown.dimension_value,
        pairs.compared_with,
        pairs.other_in_span,
        other.value as whole_value,
        case
            when pairs.is_partial then {{ first_days_value('shown', 'kpis') }}
            else other.value
        end as value
    from shown
    inner join {{ ref('dim_kpi') }} as kpis on shown.kpi_id = kpis.kpi_id
    inner join {{ ref('int_period_pairs') }} as pairs
        on shown.period_grain = pairs.period_grain
        and shown.period_start = pairs.period_start
    left join shown as other
        on shown.kpi_id = other.kpi_id
        and shown.period_grain = other.period_grain
        and pairs.other_start = other.period_start
        and shown.dimension = other.dimension
        and shown.dimension_value = other.dimension_value
    {{ join_first_days('shown', 'pairs') }}
),

compared as (
    select
        shown.kpi_id,
        shown.period_grain,
        shown.period_start,
        shown.dimension,
        shown.dimension_value,
        shown.value,
        before.value as previous_value,
        year_before.value as previous_year_value,
        case when periods.is_mature and before.other_in_span then shown.value - before.value end as change,
        case when periods.is_mature and year_before.other_in_span then shown.value - year_before.value end as year_change,
        periods.is_partial and kpis.is_additive and kpis.denominator is null as is_projected,
        periods.days,
        periods.elapsed_days,
        -- what had passed of the same period a year before
        case when year_before.other_in_span then {{ ratio('year_before.value', 'year_before.whole_value') }} end as passed_share
    from shown
    inner join {{ ref('dim_kpi') }} as kpis on shown.kpi_id = kpis.kpi_id
    inner join {{ ref('int_kpi_periods') }} as periods
        on shown.kpi_id = periods.kpi_id
        and shown.period_grain = periods.period_grain
        and shown.period_start = periods.period_start
    left join others as before
        on shown.kpi_id = before.kpi_id
        and shown.period_grain = before.period_grain
        and shown.period_start = before.period_start
        and shown.dimension = before.dimension
        and shown.dimension_value = before.dimension_value
        and before.compared_with = 'previous'
    left join others as year_before
        on shown.kpi_id = year_before.kpi_id
        and shown.period_grain = year_before.period_grain
        and shown.period_start = year_before.period_start
        and shown.dimension = year_before.dimension
        and shown.dimension_value = year_before.dimension_value
        and year_before.compared_with = 'previous_year'
)

select
    kpi_id,
    period_grain,
    period_start,
    dimension,
    dimension_value,
    previous_value,
    previous_year_value,
    change,
    {{ ratio('change', 'abs(previous_value)') }} as change_rate,
    year_change,
    {{ ratio('year_change', 'abs(previous_year_value)') }} as year_change_rate,
    case
        when not is_projected then value
        -- too little to go by
        when 7 * elapsed_days < days then null
        when passed_share > 0 and passed_share <= 1 then value / passed_share
        else value * days / elapsed_days
    end as projected_value
from compared
