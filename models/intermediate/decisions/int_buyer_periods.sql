with orders as (
    select
        customer_id,
        ordered_on,
        line_value,
        min(ordered_on) over (partition by customer_id) as first_paid_on
    from {{ ref('fct_orders') }}
    where is_paid
)

{% for grain in ['week', 'month', 'quarter', 'year'] -%}
    select
        customer_id,
        '{{ grain }}' as period_grain,
        {{ period_start(grain, 'ordered_on') }} as period_start,
        first_paid_on,
        sum(line_value) as gmv
    from orders
    group by customer_id, {{ period_start(grain, 'ordered_on') }}, first_paid_on
    {{ 'union all' if not loop.last }}
{% endfor %}
