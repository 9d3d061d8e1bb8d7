{%- set steps = ['session', 'product_view', 'cart', 'checkout', 'purchase'] -%}
{%- set events = {'product_view': 'product_view', 'cart': 'add_to_cart', 'checkout': 'begin_checkout', 'purchase': 'purchase'} -%}
{%- set dimensions = ['channel', 'device', 'country'] -%}

-- periods in which events tell what happened
with periods as (
    select
        periods.period_grain,
        periods.period_start,
        periods.span_start,
        {{ period_before('periods') }} as start_before
    from {{ ref('int_periods') }} as periods
    left join {{ ref('int_kpi_gaps') }} as gaps
        on gaps.kpi_id = 'sessions'
        and periods.period_grain = gaps.period_grain
        and periods.period_start = gaps.period_start
    where periods.period_grain <> 'day' and gaps.kpi_id is null
),

span as (
    select * from {{ ref('int_span') }}
),

inputs as (
    select * from {{ ref('int_inputs') }}
),

steps as (
    {% for step in steps -%}
        select
            {{ loop.index }} as step_no,
            '{{ step }}' as step
        {% if step in events -%}
            from inputs
            where need = 'events:{{ events[step] }}' and is_present
        {% endif -%}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- how far a session came: sessions by their furthest step add up over days and segments
days as (
    select
        sessions.started_on,
        coalesce(sessions.channel, 'unknown') as channel,
        coalesce(sessions.device, 'unknown') as device,
        coalesce(sessions.country, 'unknown') as country,
        case
            when sessions.has_purchase then 5
            when sessions.has_checkout then 4
            when sessions.has_cart then 3
            when sessions.has_product_view then 2
            else 1
        end as furthest_step,
        count(*) as sessions
    from {{ ref('fct_sessions') }} as sessions
    inner join span on sessions.started_on between span.span_start and span.as_of
    group by
        sessions.started_on,
        coalesce(sessions.channel, 'unknown'),
        coalesce(sessions.device, 'unknown'),
        coalesce(sessions.country, 'unknown'),
        case
            when sessions.has_purchase then 5
            when sessions.has_checkout then 4
            when sessions.has_cart then 3
            when sessions.has_product_view then 2
            else 1
        end
),

segment_days as (
    select
        started_on,
        'all' as dimension,
        'all' as dimension_value,
        furthest_step,
        sum(sessions) as sessions
    from days
    group by started_on, furthest_step
    {% for dimension in dimensions %}
        union all
        select
            started_on,
            '{{ dimension }}' as dimension,
            {{ dimension }} as dimension_value,
            furthest_step,
            sum(sessions) as sessions
        from days
        group by started_on, {{ dimension }}, furthest_step
    {% endfor %}
),

counted as (
    {% for grain in ['week', 'month', 'quarter', 'year'] -%}
        select
            '{{ grain }}' as period_grain,
            {{ period_start(grain, 'started_on') }} as period_start,
            dimension,
            dimension_value,
            {% for step in steps -%}
                sum(case when furthest_step >= {{ loop.index }} then sessions else 0 end) as reached_{{ loop.index }}{{ ',' if not loop.last }}
            {% endfor -%}
        from segment_days
        group by {{ period_start(grain, 'started_on') }}, dimension, dimension_value
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- `all` has every period, also one without a session
segments as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value
    from counted
    union distinct
    select
        period_grain,
        period_start,
        'all' as dimension,
        'all' as dimension_value
    from periods
),

reached as (
    select
        periods.period_grain,
        periods.period_start,
        periods.start_before,
        periods.span_start,
        segments.dimension,
        segments.dimension_value,
        steps.step_no,
        steps.step,
        coalesce(
            case steps.step_no
                {% for step in steps -%}
                    when {{ loop.index }} then counted.reached_{{ loop.index }}
                {% endfor -%}
            end,
            0
        ) as sessions
    from segments
    inner join periods
        on segments.period_grain = periods.period_grain
        and segments.period_start = periods.period_start
    cross join steps
    left join counted
        on segments.period_grain = counted.period_grain
        and segments.period_start = counted.period_start
        and segments.dimension = counted.dimension
        and segments.dimension_value = counted.dimension_value
),

shared as (
    select
        *,
        lag(sessions) over funnel as sessions_at_previous,
        {{ ratio('sessions', 'lag(sessions) over funnel') }} as share_of_previous,
        {{ ratio('sessions', 'first_value(sessions) over funnel') }} as share_of_first
    from reached
    window funnel as (partition by period_grain, period_start, dimension, dimension_value order by step_no)
),

compared as (
    select
        shared.*,
        before.share_of_previous as share_of_previous_before,
        case
            when
                shared.step_no >= 3
                and shared.start_before >= shared.span_start
                and shared.sessions_at_previous >= 20
                and before.sessions_at_previous >= 20
                and shared.share_of_previous < before.share_of_previous
                then before.share_of_previous - shared.share_of_previous
        end as fall
    from shared
    left join shared as before
        on shared.period_grain = before.period_grain
        and shared.start_before = before.period_start
        and shared.dimension = before.dimension
        and shared.dimension_value = before.dimension_value
        and shared.step_no = before.step_no
),

ranked as (
    select
        *,
        row_number() over (
            partition by period_grain, period_start, dimension, dimension_value
            order by case when fall is null then 1 else 0 end, fall desc, step_no
        ) as fall_rank
    from compared
)

select
    period_grain,
    period_start,
    dimension,
    dimension_value,
    cast(step_no as bigint) as step_no,
    step,
    cast(sessions as bigint) as sessions,
    share_of_previous,
    share_of_first,
    cast(sessions_at_previous - sessions as bigint) as lost,
    share_of_previous_before,
    fall_rank = 1 and fall is not null as biggest_loss
from ranked
