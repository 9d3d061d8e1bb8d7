{%- set sides = {
    'buyers': {'from': 'fct_orders', 'member': 'customer_id'},
    'sellers': {'from': 'fct_seller_orders', 'member': 'seller_id'},
} -%}

with months as (
    select
        period_start as month_start,
        is_partial,
        row_number() over (order by period_start) as month_number
    from {{ ref('int_periods') }}
    where period_grain = 'month'
),

-- where nobody tells of cancellations, refusals or refunds, nobody knows what is left after them
known as (
    select is_present from {{ ref('int_inputs') }}
    where need = 'refunds|order_lines.cancelled_at|order_lines.refused_at'
),

-- what a buyer bought, or a seller sold, in a month
activity as (
    {% for side, how in sides.items() -%}
        select
            '{{ side }}' as side,
            {{ how.member }} as member,
            {{ period_start('month', 'ordered_on') }} as month_start,
            sum(net_value) as gmv_net
        from {{ ref(how.from) }}
        where is_valid
        group by {{ how.member }}, {{ period_start('month', 'ordered_on') }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

dated as (
    select
        activity.side,
        activity.member,
        activity.gmv_net,
        months.month_number as month_number,
        min(months.month_number) over (partition by activity.side, activity.member) as cohort_number
    from activity
    inner join months on activity.month_start = months.month_start
),

counted as (
    select
        side,
        cohort_number,
        month_number,
        count(*) as active,
        sum(gmv_net) as gmv_net
    from dated
    group by side, cohort_number, month_number
),

-- everyone is active in the first month
cohorts as (
    select
        side,
        cohort_number,
        active as size,
        gmv_net
    from counted
    where month_number = cohort_number
)

select
    cohorts.side,
    cohort_months.month_start as cohort_month,
    cast(months.month_number - cohorts.cohort_number as bigint) as month_no,
    months.month_start as active_month,

    cast(cohorts.size as bigint) as size,
    cast(coalesce(counted.active, 0) as bigint) as active,
    cast(case when known.is_present then coalesce(counted.gmv_net, 0) end as decimal(38, 16)) as gmv_net,
    {{ ratio('coalesce(counted.active, 0)', 'cohorts.size') }} as retention,
    case when known.is_present then {{ ratio('coalesce(counted.gmv_net, 0)', 'cohorts.gmv_net') }} end as gmv_retention,

    months.is_partial,
    cohorts.cohort_number = 1 as is_left_censored
from cohorts
cross join known
inner join months as cohort_months on cohorts.cohort_number = cohort_months.month_number
inner join months on months.month_number >= cohorts.cohort_number
left join counted
    on cohorts.side = counted.side
    and cohorts.cohort_number = counted.cohort_number
    and months.month_number = counted.month_number
