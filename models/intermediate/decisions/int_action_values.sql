with windows as (
    select
        windows.*,
        kpis.denominator is not null as is_ratio,
        windows.first_day >= span.span_start and windows.last_day <= span.as_of as is_in_span,
        {{ add_days('windows.last_day', 'kpis.maturity_days') }} <= span.as_of as is_over
    from {{ ref('int_action_windows') }} as windows
    inner join {{ ref('dim_kpi') }} as kpis on windows.kpi_id = kpis.kpi_id
    cross join {{ ref('int_span') }} as span
    where kpis.is_additive and windows.dimension not in ('seller', 'campaign')
),

days as (
    select
        windows.action_id,
        windows.phase,
        windows.kpi_id,
        windows.dimension,
        windows.dimension_value,
        days.period_start as date_day
    from {{ ref('int_periods') }} as days
    inner join windows
        on days.period_start between windows.first_day and windows.last_day
    where days.period_grain = 'day' and windows.is_in_span and windows.is_over
),

sums as (
    select
        days.action_id,
        days.phase,
        count(of_all.numerator) as days_known,
        {{ exact_sum('coalesce(segment.numerator, 0)') }} as numerator,
        {{ exact_sum('coalesce(segment.denominator, 0)') }} as denominator
    from days
    inner join {{ ref('kpi_values') }} as of_all
        on days.kpi_id = of_all.kpi_id
        and days.date_day = of_all.period_start
        and of_all.period_grain = 'day'
        and of_all.dimension = 'all'
    left join {{ ref('kpi_values') }} as segment
        on days.kpi_id = segment.kpi_id
        and days.date_day = segment.period_start
        and days.dimension = segment.dimension
        and days.dimension_value = segment.dimension_value
        and segment.period_grain = 'day'
    group by days.action_id, days.phase
)

select
    windows.action_id,
    windows.phase,
    windows.is_over,
    windows.is_in_span,
    coalesce(sums.days_known = windows.days, false) as is_covered,
    case
        when sums.days_known <> windows.days then null
        when windows.is_ratio then {{ ratio('sums.numerator', 'sums.denominator') }}
        else sums.numerator
    end as value
from windows
left join sums
    on windows.action_id = sums.action_id
    and windows.phase = sums.phase
