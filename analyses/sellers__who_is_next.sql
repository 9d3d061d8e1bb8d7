-- Which sellers ask for a decision today, and how much do they sell?
-- Every seller with a proposed step, the gravest first, with its health and its place by sales in the latest month.
with latest as (
    select max(period_start) as period_start from {{ ref('top_sellers') }}
    where period_grain = 'month'
),

health as (
    select * from {{ ref('seller_health') }}
    where evaluated_on = (select max(seen.evaluated_on) from {{ ref('seller_health') }} as seen)
)

select
    steps.proposed_step,
    steps.seller_id,
    steps.warnings,
    steps.earliest_on,
    steps.kpi_id,
    health.score,
    top.rank as sales_rank,
    round(top.gmv_net, 2) as gmv_net
from {{ ref('seller_next_steps') }} as steps
left join health on steps.seller_id = health.seller_id
cross join latest
left join {{ ref('top_sellers') }} as top
    on steps.seller_id = top.seller_id
    and latest.period_start = top.period_start
    and top.period_grain = 'month'
where steps.proposed_step not in ('none', 'inform')
order by
    case steps.proposed_step
        when 'suspend' then 1
        when 'warn_again' then 2
        when 'warn' then 3
        when 'reinstate' then 4
        else 5
    end,
    steps.seller_id
