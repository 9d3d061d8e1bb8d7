with grains as (
    select
        'week' as period_grain,
        13 as periods
    union all
    select
        'month' as period_grain,
        12 as periods
),

windows as (
    select
        kpi_id,
        -- no term of it is a stock, or looks back farther than a month
        count(*) = count(case when window_days <= 31 then 1 end) as is_short
    from {{ ref('int_kpi_terms') }}
    where is_rolling
    group by kpi_id
),

points as (
    select
        finals.kpi_id,
        finals.period_grain,
        finals.period_start,
        finals.period_number,
        finals.value,
        row_number() over series as place,
        lag(finals.value) over series as value_before
    from {{ ref('int_final_values') }} as finals
    inner join grains on finals.period_grain = grains.period_grain
    left join windows on finals.kpi_id = windows.kpi_id
    where
        finals.recency <= grains.periods
        and finals.has_volume
        and finals.value is not null
        -- windows that overlap move together: no trend can be told from them
        and (not finals.is_rolling or (finals.period_grain = 'month' and windows.is_short))
    window series as (partition by finals.kpi_id, finals.period_grain order by finals.period_start)
)

select
    kpi_id,
    period_grain,
    period_start,
    period_number,
    value,
    cast(place as bigint) as place,
    -- what differs in the last digits of a double is equal
    cast(sign(round(value - value_before, 9)) as int) as step,
    place = max(place) over (partition by kpi_id, period_grain) as is_last
from points
