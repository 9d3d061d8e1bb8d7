with latest as (
    select
        shown.*,
        kpis.scope,
        trends.verdict,
        case shown.status when 'good' then 1 when 'warn' then -1 when 'alert' then -2 else 0 end
        + case trends.verdict when 'improving' then 1 when 'worsening' then -1 else 0 end
        + case shown.benchmark_position when 'better' then 1 when 'worse' then -1 else 0 end as points
    from {{ ref('kpi_scorecard') }} as shown
    inner join {{ ref('dim_kpi') }} as kpis on shown.kpi_id = kpis.kpi_id
    left join {{ ref('kpi_trends') }} as trends
        on shown.kpi_id = trends.kpi_id
        and trends.period_grain = 'month'
    where shown.period_grain = 'month' and shown.dimension = 'all' and shown.is_latest
),

written as (
    select
        *,
        {{ value_as_text('value', 'format') }} as value_text,
        case
            when direction in ('up', 'down') then {{ value_as_text('target', 'format') }}
            else concat({{ value_as_text('target_low', 'format') }}, ' to ', {{ value_as_text('target_high', 'format') }})
        end as target_text,
        {{ value_as_text('benchmark_value', 'format') }} as benchmark_text
    from latest
    where points <> 0
)

select
    kpi_id,
    period_start,
    case
        when scope = 'internal' and points > 0 then 'strength'
        when scope = 'internal' then 'weakness'
        when points > 0 then 'opportunity'
        else 'threat'
    end as quadrant,
    cast(points as bigint) as points,
    concat(
        label_en, ' ', coalesce(value_text, 'without a value'), ' in ', substr(cast(period_start as {{ dbt.type_string() }}), 1, 7),
        case
            when target is not null or target_low is not null then concat(', target ', target_text, ' (', status, ')') else ''
        end,
        case when trend <> 'unknown' then concat(', trend ', trend) else '' end,
        case when trend <> 'unknown' and verdict is not null then concat(' (', verdict, ')') else '' end,
        case
            when benchmark_value is not null then concat(', benchmark ', benchmark_text, ' (', benchmark_source, ')') else ''
        end
    ) as evidence
from written
