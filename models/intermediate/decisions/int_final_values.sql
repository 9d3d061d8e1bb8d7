with targets as (
    select * from {{ ref('kpi_targets') }}
    where dimension = 'all'
),

rolling as (
    select distinct kpi_id from {{ ref('int_kpi_terms') }}
    where is_rolling
),

finals as (
    select
        periods.kpi_id,
        periods.period_grain,
        periods.period_start,
        periods.is_latest,
        measured.value,
        measured.sample_size,
        row_number() over (
            partition by periods.kpi_id, periods.period_grain order by periods.period_start desc
        ) as recency
    from {{ ref('int_kpi_periods') }} as periods
    inner join {{ ref('kpi_values') }} as measured
        on periods.kpi_id = measured.kpi_id
        and periods.period_grain = measured.period_grain
        and periods.period_start = measured.period_start
        and measured.dimension = 'all'
    where periods.is_final and periods.period_grain in ('day', 'week', 'month')
)

select
    finals.kpi_id,
    finals.period_grain,
    finals.period_start,
    -- 2001-01-01 is a Monday
    cast(case finals.period_grain
        when 'day' then {{ days_from("cast('2001-01-01' as date)", 'finals.period_start') }}
        when 'week' then {{ days_from("cast('2001-01-01' as date)", 'finals.period_start') }} / 7
        else 12 * extract(year from finals.period_start) + extract(month from finals.period_start)
    end as bigint) as period_number,
    finals.value,
    -- days have no targets; counts and sums have no sample size, so that nothing is below their minimum
    coalesce(finals.sample_size >= coalesce(targets.min_volume, 20), true) as has_volume,
    rolling.kpi_id is not null as is_rolling,
    cast(finals.recency as bigint) as recency,
    finals.is_latest
from finals
left join rolling on finals.kpi_id = rolling.kpi_id
left join targets
    on finals.kpi_id = targets.kpi_id
    and finals.period_grain = targets.period_grain
    and finals.period_start >= targets.valid_from
    and (finals.period_start <= targets.valid_to or targets.valid_to is null)
