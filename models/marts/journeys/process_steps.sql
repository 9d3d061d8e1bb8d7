{%- set dimensions = {'all': "'all'", 'country': 'country', 'category': 'category'} -%}
{%- set ends = {
    'paid_to_accepted': ['paid_at', 'accepted_at', ['order_lines.accepted_at']],
    'accepted_to_shipped': ['accepted_at', 'shipped_at', ['order_lines.accepted_at', 'order_lines.shipped_at|order_lines.delivered_at']],
    'paid_to_shipped': ['paid_at', 'shipped_at', ['order_lines.shipped_at|order_lines.delivered_at']],
    'shipped_to_delivered': ['shipped_at', 'delivered_at', ['order_lines.shipped_at', 'order_lines.delivered_at']],
} -%}

with inputs as (
    select need from {{ ref('int_inputs') }}
    where is_present
),

-- the steps whose two ends are delivered at all; where nobody accepts, goods go from payment to shipping
known_steps as (
    {% for step, end in ends.items() -%}
        select
            {{ loop.index }} as step_no,
            '{{ step }}' as step
        from inputs
        {% if step == 'paid_to_shipped' -%}
            having
                count_if(need = 'order_lines.accepted_at') = 0
                and count_if(need = '{{ end[2][0] }}') = 1
        {%- else -%}
            having {% for need in end[2] %}count_if(need = '{{ need }}') = 1{{ ' and ' if not loop.last }}{% endfor %}
        {%- endif %}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

seller_orders as (
    {% for dimension, value in dimensions.items() -%}
        select
            '{{ dimension }}' as dimension,
            coalesce({{ value }}, 'unknown') as dimension_value,
            {{ period_start('month', business_day('paid_at')) }} as period_start,
            paid_at,
            acceptance_status,
            case when acceptance_status = 'accepted' then accepted_at end as accepted_at,
            shipped_at,
            delivered_at
        from {{ ref('fct_seller_order_categories' if dimension == 'category' else 'fct_seller_orders') }}
        where is_valid
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

timed as (
    {% for step, end in ends.items() -%}
        select
            dimension,
            dimension_value,
            period_start,
            '{{ step }}' as step,
            case when {{ end[0] }} is not null then {{ hours_between(end[0], end[1]) }} end as hours,
            {{ end[0] }} is not null and {{ end[1] }} is null
            {%- if step == 'paid_to_accepted' %} and acceptance_status = 'waiting'{% endif %} as is_open
        from seller_orders
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

measured as (
    select
        timed.dimension,
        timed.dimension_value,
        timed.period_start,
        known_steps.step_no,
        known_steps.step,
        count(timed.hours) as n,
        count_if(timed.is_open) as still_open,
        {{ exact_percentile('timed.hours', 0.5) }} as p50_hours,
        {{ exact_percentile('timed.hours', 0.9) }} as p90_hours
    from timed
    inner join known_steps on timed.step = known_steps.step
    group by timed.dimension, timed.dimension_value, timed.period_start, known_steps.step_no, known_steps.step
),

periods as (
    select
        period_start,
        {{ period_before('month_periods') }} as start_before
    from {{ ref('int_periods') }} as month_periods
    where period_grain = 'month'
),

ranked as (
    select
        *,
        sum(p50_hours) over (partition by dimension, dimension_value, period_start) as whole,
        row_number() over (
            partition by dimension, dimension_value, period_start
            order by case when p50_hours is null then 1 else 0 end, p50_hours desc, step_no
        ) as slowness
    from measured
)

select
    ranked.period_start,
    ranked.dimension,
    ranked.dimension_value,
    ranked.step,
    cast(ranked.n as bigint) as n,
    cast(ranked.still_open as bigint) as still_open,
    ranked.p50_hours,
    ranked.p90_hours,
    {{ ratio('ranked.p50_hours', 'ranked.whole') }} as share,
    before.p50_hours as p50_before,
    ranked.slowness = 1 and ranked.p50_hours is not null as is_bottleneck
from ranked
inner join periods on ranked.period_start = periods.period_start
left join measured as before
    on periods.start_before = before.period_start
    and ranked.dimension = before.dimension
    and ranked.dimension_value = before.dimension_value
    and ranked.step = before.step
