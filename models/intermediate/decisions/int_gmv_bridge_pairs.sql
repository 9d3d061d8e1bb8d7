with measured as (
    select
        period_grain,
        period_start,
        max(case when kpi_id = 'gmv' then value end) as gmv,
        max(case when kpi_id = 'orders' then value end) as orders,
        max(case when kpi_id = 'sessions' then value end) as sessions
    from {{ ref('kpi_values') }}
    where dimension = 'all' and period_grain <> 'day' and kpi_id in ('gmv', 'orders', 'sessions')
    group by period_grain, period_start
)

select
    pairs.period_grain,
    pairs.period_start,
    pairs.compared_with,
    pairs.other_start,
    pairs.other_end,
    before.gmv as gmv_before,
    before.orders as orders_before,
    before.sessions as sessions_before,
    after.gmv as gmv_after,
    after.orders as orders_after,
    after.sessions as sessions_after
from {{ ref('int_period_pairs') }} as pairs
inner join measured as after
    on pairs.period_grain = after.period_grain
    and pairs.period_start = after.period_start
inner join measured as before
    on pairs.period_grain = before.period_grain
    and pairs.other_start = before.period_start
where not pairs.is_partial and pairs.other_in_span
