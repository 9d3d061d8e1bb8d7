with span as (
    select * from {{ ref('int_span') }}
),

targets as (
    select * from {{ ref('kpi_targets') }}
    where dimension = 'all'
),

rolling as (
    select distinct kpi_id from {{ ref('int_kpi_terms') }}
    where is_rolling
),

ended as (
    select
        kpi_values.*,
        -- a feed that has ended has no latest period
        max(case when not kpi_values.is_covered then kpi_values.period_start end) over (
            partition by kpi_values.kpi_id, kpi_values.period_grain
        ) as last_uncovered
    from {{ ref('kpi_values') }} as kpi_values
    cross join span
    where
        kpi_values.dimension = 'all'
        and kpi_values.period_grain in ('day', 'week', 'month')
        and not kpi_values.is_partial
        and kpi_values.is_mature
        and kpi_values.period_start >= span.span_start
),

finals as (
    select
        *,
        row_number() over (partition by kpi_id, period_grain order by period_start desc) as recency
    from ended
    where is_covered
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
    finals.recency = 1 and coalesce(finals.last_uncovered < finals.period_start, true) as is_latest
from finals
left join rolling on finals.kpi_id = rolling.kpi_id
left join targets
    on finals.kpi_id = targets.kpi_id
    and finals.period_grain = targets.period_grain
    and finals.period_start >= targets.valid_from
    and (finals.period_start <= targets.valid_to or targets.valid_to is null)
