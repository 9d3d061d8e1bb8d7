with days as (
    select * from {{ ref('int_final_values') }}
    where
        period_grain = 'day'
        and not is_rolling
        and has_volume
        and value is not null
),

changes as (
    select
        days.kpi_id,
        days.period_number as day_number,
        -- 0.3 - 0.1 and 0.4 - 0.2 are the same change
        round(days.value - week_before.value, 9) as change
    from days
    inner join days as week_before
        on days.kpi_id = week_before.kpi_id
        and week_before.period_number = days.period_number - 7
    where days.recency <= 182
),

-- two KPIs with the same days share all that depends on days alone
kpis as (
    select
        kpi_id,
        row_number() over (order by kpi_id) as kpi_number,
        min(kpi_id) over (partition by days_known) as first_of_days
    from (
        select
            kpi_id,
            {{ dbt.listagg('cast(day_number as ' ~ dbt.type_string() ~ ')', "' '", 'order by day_number') }} as days_known
        from changes
        group by kpi_id
        having count(*) >= 28 and min(change) < max(change)
    ) as known
)

select
    changes.kpi_id,
    cast(kpis.kpi_number as int) as kpi_number,
    cast(alike.kpi_number as int) as days_number,
    cast(changes.day_number as int) as day_number,
    changes.change,
    changes.change - avg(changes.change) over (partition by changes.kpi_id) as deviation,
    cast(dense_rank() over (partition by changes.kpi_id order by changes.change) as int) as size_order
from changes
inner join kpis on changes.kpi_id = kpis.kpi_id
inner join kpis as alike on kpis.first_of_days = alike.kpi_id
