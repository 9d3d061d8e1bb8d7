with things as (
    select * from {{ ref('int_seller_things') }}
),

durations as (
    select * from {{ ref('int_seller_durations') }}
),

windows as (
    select * from {{ ref('int_evaluation_windows') }}
),

kpis as (
    select * from {{ ref('int_seller_kpis') }}
),

counted as (
    select
        things.seller_id,
        things.kpi_id,
        windows.evaluated_on,
        windows.is_since_step,
        cast(sum(things.denominator) as bigint) as volume,
        cast(sum(case when things.happened_on <= windows.evaluated_on then things.numerator else 0 end) as bigint) as numerator,
        cast(sum(case when windows.is_recent then things.denominator else 0 end) as bigint) as recent_volume,
        cast(
            sum(
                case when windows.is_recent and things.happened_on <= windows.evaluated_on then things.numerator else 0 end
            ) as bigint
        ) as recent_numerator,
        cast(null as double) as duration,
        cast(null as double) as recent_duration
    from things
    inner join windows on things.window_days = windows.window_days and things.dated_on = windows.date_day
    where things.known_on <= windows.evaluated_on and (things.is_since_step or not windows.is_since_step)
    group by things.seller_id, things.kpi_id, windows.evaluated_on, windows.is_since_step
    having sum(things.denominator) > 0
),

measured as (
    select
        durations.seller_id,
        durations.kpi_id,
        windows.evaluated_on,
        windows.is_since_step,
        count(*) as volume,
        cast(null as bigint) as numerator,
        count(case when windows.is_recent then 1 end) as recent_volume,
        cast(null as bigint) as recent_numerator,
        case
            when durations.kpi_id = 'processing_time_p90' then {{ exact_percentile('durations.hours', 0.9) }}
            else {{ exact_percentile('durations.hours', 0.5) }}
        end as duration,
        case
            when durations.kpi_id = 'processing_time_p90'
                then {{ exact_percentile('case when windows.is_recent then durations.hours end', 0.9) }}
            else {{ exact_percentile('case when windows.is_recent then durations.hours end', 0.5) }}
        end as recent_duration
    from durations
    inner join windows on durations.window_days = windows.window_days and durations.dated_on = windows.date_day
    where durations.known_on <= windows.evaluated_on and (durations.is_since_step or not windows.is_since_step)
    group by durations.seller_id, durations.kpi_id, windows.evaluated_on, windows.is_since_step
),

evaluated as (
    select
        evaluated.*,
        kpis.policy,
        kpis.shape,
        kpis.health_group,
        kpis.operator,
        kpis.alert_value,
        kpis.limit_value,
        kpis.min_volume,
        uncovered.kpi_id is null as is_covered,
        case kpis.shape
            when 'percentile' then evaluated.duration
            when 'count' then cast(evaluated.numerator as double)
            else {{ ratio('evaluated.numerator', 'evaluated.volume') }}
        end as value
    from (
        select * from counted
        union all
        select * from measured
    ) as evaluated
    inner join kpis on evaluated.seller_id = kpis.seller_id and evaluated.kpi_id = kpis.kpi_id
    left join {{ ref('int_uncovered_windows') }} as uncovered
        on evaluated.kpi_id = uncovered.kpi_id
        and kpis.window_days = uncovered.window_days
        and evaluated.evaluated_on = uncovered.evaluated_on
),

-- quotients are compared as whole numbers against level x volume, in DECIMAL: 0.1 is exactly 0.1
compared as (
    select
        *,
        case
            when shape in ('rate', 'average')
                then not {{ in_order('cast(numerator as decimal(38, 10))', 'limit_value * cast(volume as decimal(18, 0))') }}
            else not {{ in_order('value', 'cast(limit_value as double)') }}
        end as is_beyond_limit,
        coalesce(case
            when shape in ('rate', 'average')
                then not {{ in_order('cast(numerator as decimal(38, 10))', 'alert_value * cast(volume as decimal(18, 0))') }}
            else not {{ in_order('value', 'cast(alert_value as double)') }}
        end, false) as is_beyond_alert,
        recent_volume > 0
        and 2 * recent_volume >= coalesce(min_volume, 0)
        and coalesce(case
            when shape in ('rate', 'average')
                then not {{ in_order('cast(recent_numerator as decimal(38, 10))', 'limit_value * cast(recent_volume as decimal(18, 0))') }}
            when shape = 'count' then not {{ in_order('cast(recent_numerator as double)', 'cast(limit_value as double)') }}
            else not {{ in_order('recent_duration', 'cast(limit_value as double)') }}
        end, false) as is_recently_beyond,
        case when shape = 'rate' then limit_value * cast(volume as decimal(18, 0)) end as allowed,
        case when shape = 'rate' then {{ wilson_low('cast(numerator as double)', 'cast(volume as double)') }} end as wilson_low,
        case when shape = 'rate' then {{ wilson_high('cast(numerator as double)', 'cast(volume as double)') }} end as wilson_high
    from evaluated
),

judged as (
    select
        *,
        case
            when volume < coalesce(min_volume, 0) or not is_covered then 'insufficient_data'
            when is_beyond_limit then 'limit'
            when is_beyond_alert then 'alert'
            else 'ok'
        end as status,
        -- bad things raise what must stay low and lower what must stay high; no more can turn bad than are good
        case operator
            when '<=' then least(cast(floor(allowed) as bigint) - numerator, volume - numerator)
            when '<' then least(cast(ceil(allowed) as bigint) - 1 - numerator, volume - numerator)
            when '>=' then least(numerator - cast(ceil(allowed) as bigint), numerator)
            when '>' then least(numerator - cast(floor(allowed) as bigint) - 1, numerator)
        end as headroom,
        case
            when shape <> 'rate' then true
            when operator in ('<', '<=') then not {{ in_order('wilson_low', 'cast(limit_value as double)') }}
            else not {{ in_order('wilson_high', 'cast(limit_value as double)') }}
        end as is_bound_beyond
    from compared
)

select
    seller_id,
    evaluated_on,
    kpi_id,
    is_since_step,
    policy,
    shape,
    health_group,
    volume,
    cast(numerator as double) as numerator,
    cast(case when shape in ('rate', 'average') then volume end as double) as denominator,
    value,
    operator,
    alert_value,
    limit_value,
    status,
    cast(case when shape = 'rate' then headroom end as bigint) as headroom,
    status in ('ok', 'alert') and is_recently_beyond as projected_breach,
    wilson_low,
    wilson_high,
    status = 'limit' and is_bound_beyond as is_certain
from judged
