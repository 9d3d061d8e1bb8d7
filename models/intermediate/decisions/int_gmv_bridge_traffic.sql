-- gmv = sessions x orders per session x average order value; without sessions orders x average order value. Each factor gets its
-- Shapley part: the mean, over the orders in which they may change, of what its change adds.
with factors as (
    select
        *,
        coalesce(sessions_before > 0 and sessions_after > 0, false) as has_sessions,
        {{ ratio('orders_before', 'sessions_before') }} as rate_before,
        {{ ratio('orders_after', 'sessions_after') }} as rate_after,
        -- no order in one of the two: the value of the other
        coalesce({{ ratio('gmv_before', 'orders_before') }}, {{ ratio('gmv_after', 'orders_after') }}, 0) as aov_before,
        coalesce({{ ratio('gmv_after', 'orders_after') }}, {{ ratio('gmv_before', 'orders_before') }}, 0) as aov_after
    from {{ ref('int_gmv_bridge_pairs') }}
)

{% for component, a, others in [
    ('sessions', 'sessions', ('rate', 'aov')), ('orders_per_session', 'rate', ('sessions', 'aov')), ('aov', 'aov', ('sessions', 'rate')),
] -%}
    {%- set b, c = others -%}
    select
        period_grain,
        period_start,
        compared_with,
        '{{ component }}' as component,
        ({{ a }}_after - {{ a }}_before) * (
            {{ b }}_before * {{ c }}_before / 3
            + ({{ b }}_before * {{ c }}_after + {{ b }}_after * {{ c }}_before) / 6
            + {{ b }}_after * {{ c }}_after / 3
        ) as contribution
    from factors
    where has_sessions
    union all
{% endfor -%}
{% for component, a, b in [('orders', 'orders', 'aov'), ('aov', 'aov', 'orders')] -%}
    select
        period_grain,
        period_start,
        compared_with,
        '{{ component }}' as component,
        ({{ a }}_after - {{ a }}_before) * ({{ b }}_before + {{ b }}_after) / 2 as contribution
    from factors
    where not has_sessions
    {{ 'union all' if not loop.last }}
{% endfor %}
