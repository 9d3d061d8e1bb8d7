with kpis as (
    select * from {{ ref('dim_kpi') }}
    where is_additive and denominator is null
),

months as (
    select
        finals.*,
        case when kpis.unit = 'count' then 30 else 0 end as at_least,
        row_number() over (partition by finals.kpi_id order by finals.period_number) as months_so_far
    from {{ ref('int_final_values') }} as finals
    inner join kpis on finals.kpi_id = kpis.kpi_id
    where finals.period_grain = 'month'
),

horizons as (
    select 1 as horizon
    union all
    select 2 as horizon
    union all
    select 3 as horizon
),

-- a month that can be forecast from: the last three months against the same three a year before
origins as (
    select
        origins.kpi_id,
        origins.period_start,
        origins.period_number,
        origins.is_latest,
        sum(case when months.period_number > origins.period_number - 3 then months.value end) as last_sum,
        sum(case when months.period_number <= origins.period_number - 12 then months.value end) as year_before_sum
    from months as origins
    inner join months
        on origins.kpi_id = months.kpi_id
        and months.period_number between origins.period_number - 14 and origins.period_number
    where origins.months_so_far >= 15
    group by origins.kpi_id, origins.period_start, origins.period_number, origins.is_latest, origins.at_least
    having
        count(case when months.period_number > origins.period_number - 3 then months.value end) = 3
        and count(case when months.period_number <= origins.period_number - 12 then months.value end) = 3
        and sum(case when months.period_number > origins.period_number - 3 then months.value end) > origins.at_least
        and sum(case when months.period_number <= origins.period_number - 12 then months.value end) > origins.at_least
),

forecasts as (
    select
        origins.kpi_id,
        origins.period_start as made_from,
        origins.is_latest,
        horizons.horizon,
        origins.period_number + horizons.horizon as period_number,
        same_month.value * origins.last_sum / origins.year_before_sum as forecast
    from origins
    cross join horizons
    inner join months as same_month
        on origins.kpi_id = same_month.kpi_id
        and same_month.period_number = origins.period_number + horizons.horizon - 12
    where same_month.value is not null
),

-- what the same forecast would have said of months that are known by now
back_tests as (
    select
        forecasts.kpi_id,
        forecasts.horizon,
        months.value / forecasts.forecast as value_ratio,
        abs(months.value - forecasts.forecast) / nullif(abs(months.value), 0e0) as miss_rate
    from forecasts
    inner join months
        on forecasts.kpi_id = months.kpi_id
        and forecasts.period_number = months.period_number
    where months.value is not null and forecasts.forecast <> 0
),

-- fewer than six say nothing
tested as (
    select
        kpi_id,
        horizon,
        count(*) as back_tests,
        case when count(*) >= 6 then {{ exact_percentile('value_ratio', 0.1) }} end as low_ratio,
        case when count(*) >= 6 then {{ exact_percentile('value_ratio', 0.9) }} end as high_ratio,
        case when count(*) >= 6 then avg(miss_rate) end as mape
    from back_tests
    group by kpi_id, horizon
),

latest as (
    select
        forecasts.kpi_id,
        cast({{ dbt.dateadd('month', 'forecasts.horizon', 'forecasts.made_from') }} as date) as period_start,
        forecasts.horizon,
        forecasts.forecast,
        kpis.direction
    from forecasts
    inner join kpis on forecasts.kpi_id = kpis.kpi_id
    where forecasts.is_latest
),

aimed as (
    select
        latest.*,
        cast(targets.target as double) as target
    from latest
    left join {{ ref('kpi_targets') }} as targets
        on latest.kpi_id = targets.kpi_id
        and targets.period_grain = 'month'
        and targets.dimension = 'all'
        and latest.period_start >= targets.valid_from
        and (latest.period_start <= targets.valid_to or targets.valid_to is null)
),

reached as (
    select
        aimed.kpi_id,
        aimed.horizon,
        avg(
            case
                when aimed.direction = 'up' and aimed.forecast * back_tests.value_ratio >= aimed.target then 1e0
                when aimed.direction = 'down' and aimed.forecast * back_tests.value_ratio <= aimed.target then 1e0
                else 0e0
            end
        ) as target_probability
    from aimed
    inner join back_tests on aimed.kpi_id = back_tests.kpi_id and aimed.horizon = back_tests.horizon
    where aimed.target is not null and aimed.direction in ('up', 'down')
    group by aimed.kpi_id, aimed.horizon
)

select
    aimed.kpi_id,
    aimed.period_start,
    aimed.forecast,
    -- a forecast below 0 turns the ends round
    least(aimed.forecast * tested.low_ratio, aimed.forecast * tested.high_ratio) as low,
    greatest(aimed.forecast * tested.low_ratio, aimed.forecast * tested.high_ratio) as high,
    tested.mape,
    aimed.target,
    case when tested.back_tests >= 6 then reached.target_probability end as target_probability,
    cast(aimed.horizon as bigint) as horizon,
    coalesce(tested.back_tests, 0) as back_tests
from aimed
left join tested on aimed.kpi_id = tested.kpi_id and aimed.horizon = tested.horizon
left join reached on aimed.kpi_id = reached.kpi_id and aimed.horizon = reached.horizon
