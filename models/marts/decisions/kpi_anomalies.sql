with kpis as (
    select * from {{ ref('dim_kpi') }}
),

days as (
    select
        finals.kpi_id,
        kpis.unit,
        kpis.direction,
        finals.period_start,
        finals.period_number,
        finals.value,
        finals.has_volume,
        special_days.date_day is not null as is_special_day,
        special_days.name as special_day_name,
        -- what other days are held against
        case when finals.has_volume and special_days.date_day is null then finals.value end as usual_value
    from {{ ref('int_final_values') }} as finals
    inner join kpis on finals.kpi_id = kpis.kpi_id
    left join {{ ref('int_special_days') }} as special_days on finals.period_start = special_days.date_day
    where
        finals.period_grain = 'day'
        and not finals.is_rolling
        and finals.value is not null
),

-- 91 days before are 13 days of the same weekday
expected_values as (
    select
        *,
        case
            when count(usual_value) over weekdays_before >= 8 then {{ exact_percentile('usual_value', 0.5) }} over weekdays_before
        end as expected
    from days
    window weekdays_before as (
        partition by kpi_id, period_number % 7
        order by period_number
        range between 91 preceding and 1 preceding
    )
),

-- what differs in the last digits of doubles only is no miss
misses as (
    select
        *,
        case when abs(value - expected) <= 1e-9 * greatest(1e0, abs(expected)) then 0e0 else value - expected end as miss
    from expected_values
),

usual_misses as (
    select
        *,
        case when usual_value is not null then abs(miss) end as usual_miss
    from misses
),

measured as (
    select
        *,
        case
            when count(usual_miss) over weeks_before >= 56 then {{ exact_percentile('usual_miss', 0.5) }} over weeks_before / 0.6745e0
        end as usual_scale
    from usual_misses
    window weeks_before as (
        partition by kpi_id
        order by period_number
        range between 91 preceding and 1 preceding
    )
),

scaled as (
    select
        *,
        -- a count of rare things varies by the root of what is expected, whatever the last weeks showed
        case
            when expected is null or usual_scale is null then null
            when unit = 'count' then greatest(usual_scale, sqrt(greatest(1e0, expected)))
            else usual_scale
        end as scale
    from measured
),

judged as (
    select
        *,
        case when has_volume then miss / nullif(scale, 0e0) end as z
    from scaled
)

select
    kpi_id,
    period_start,
    value,
    expected,
    expected - 3.5e0 * scale as low,
    expected + 3.5e0 * scale as high,
    z,
    is_special_day,
    special_day_name,
    coalesce(abs(z) > 3.5e0 and not is_special_day, false) as is_anomaly,
    case
        when direction = 'up' then coalesce(z < -3.5e0 and not is_special_day, false)
        when direction = 'down' then coalesce(z > 3.5e0 and not is_special_day, false)
    end as is_bad
from judged
