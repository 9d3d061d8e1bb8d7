-- Ranks hang on the days that both KPIs of a pair have at a lag, and so on the other's days alone: they are found once for
-- all KPIs of the same days. They are doubled, so that ties have whole numbers and every sum is exact.
with changes as (
    select * from {{ ref('int_kpi_changes') }}
),

pairs as (
    select * from {{ ref('int_kpi_pairs') }}
),

lags as (
    {% for lag in range(-7, 8) -%}
        select {{ lag }} as lag_days
        {{ 'union all' if not loop.last }}
    {% endfor -%}
),

days_alike as (
    select distinct
        days_number,
        day_number
    from changes
),

-- one number for KPI, other days and lag, which sorts faster than three
common_days as (
    select
        changes.kpi_number,
        changes.days_number,
        days_alike.days_number as other_days_number,
        lags.lag_days,
        changes.day_number,
        changes.size_order,
        (cast(changes.kpi_number as bigint) * 100000 + days_alike.days_number) * 16 + lags.lag_days + 7 as series
    from changes
    cross join lags
    inner join days_alike on days_alike.day_number = changes.day_number + lags.lag_days
),

ranked as (
    select
        kpi_number,
        days_number,
        other_days_number,
        lag_days,
        day_number,
        2 * rank() over (partition by series order by size_order)
        + count(*) over (partition by series order by size_order range between current row and current row)
        - 1 as doubled_rank
    from common_days
),

-- the second follows the first by the lag
sums as (
    select
        pairs.first_kpi_id,
        pairs.second_kpi_id,
        ranked.lag_days,
        cast(count(*) as bigint) as n,
        cast(sum(ranked.doubled_rank * other.doubled_rank) as bigint) as products,
        cast(sum(ranked.doubled_rank * ranked.doubled_rank) as bigint) as first_squares,
        cast(sum(other.doubled_rank * other.doubled_rank) as bigint) as second_squares
    from ranked
    inner join ranked as other
        on ranked.days_number = other.other_days_number
        and ranked.other_days_number = other.days_number
        and ranked.lag_days = -other.lag_days
        and ranked.day_number + ranked.lag_days = other.day_number
        and ranked.kpi_number < other.kpi_number
    inner join pairs
        on ranked.kpi_number = pairs.first_number
        and other.kpi_number = pairs.second_number
    group by pairs.first_kpi_id, pairs.second_kpi_id, ranked.lag_days
    having count(*) >= 28
),

-- n doubled ranks add up to n (n + 1)
spreads as (
    select
        *,
        n * products - n * (n + 1) * n * (n + 1) as covariance,
        n * first_squares - n * (n + 1) * n * (n + 1) as first_variance,
        n * second_squares - n * (n + 1) * n * (n + 1) as second_variance
    from sums
)

select
    first_kpi_id,
    second_kpi_id,
    lag_days,
    n,
    covariance / sqrt(cast(first_variance as double) * cast(second_variance as double)) as spearman
from spreads
where first_variance > 0 and second_variance > 0
