with pairs as (
    select * from {{ ref('int_gmv_bridge_pairs') }}
),

buyers as (
    select * from {{ ref('int_buyer_periods') }}
),

totals as (
    select
        period_grain,
        period_start,
        sum(gmv) as gmv
    from buyers
    group by period_grain, period_start
),

-- who buys now, and what they bought in the other period
sums as (
    select
        pairs.period_grain,
        pairs.period_start,
        pairs.compared_with,
        sum(case when before.customer_id is null and after.first_paid_on > pairs.other_end then after.gmv else 0 end) as new_gmv,
        sum(case when before.customer_id is null and after.first_paid_on <= pairs.other_end then after.gmv else 0 end) as reactivated_gmv,
        sum(case when before.customer_id is not null then after.gmv else 0 end) as kept_after,
        sum(coalesce(before.gmv, 0)) as kept_before
    from buyers as after
    inner join pairs
        on after.period_grain = pairs.period_grain
        and after.period_start = pairs.period_start
    left join buyers as before
        on after.customer_id = before.customer_id
        and after.period_grain = before.period_grain
        and pairs.other_start = before.period_start
    group by pairs.period_grain, pairs.period_start, pairs.compared_with
),

parts as (
    select
        pairs.period_grain,
        pairs.period_start,
        pairs.compared_with,
        coalesce(sums.new_gmv, 0) as new_gmv,
        coalesce(sums.kept_after - sums.kept_before, 0) as kept_gmv,
        coalesce(sums.reactivated_gmv, 0) as reactivated_gmv,
        coalesce(sums.kept_before, 0) - coalesce(totals.gmv, 0) as lost_gmv
    from pairs
    left join sums
        on pairs.period_grain = sums.period_grain
        and pairs.period_start = sums.period_start
        and pairs.compared_with = sums.compared_with
    left join totals
        on pairs.period_grain = totals.period_grain
        and pairs.other_start = totals.period_start
)

{% for component in ['new', 'kept', 'reactivated', 'lost'] -%}
    select
        period_grain,
        period_start,
        compared_with,
        '{{ component }}' as component,
        cast({{ component }}_gmv as double) as contribution
    from parts
    {{ 'union all' if not loop.last }}
{% endfor %}
