{#- The inputs without which nobody knows of such a trouble. -#}
{%- set drivers = {
    'late_shipment': ['order_lines.ship_by_at', 'order_lines.shipped_at|order_lines.delivered_at'],
    'late_delivery': ['order_lines.promised_delivery_at', 'order_lines.delivered_at'],
    'cancellation': ['order_lines.cancelled_at'],
    'refund': ['refunds'],
    'return': ['returns'],
    'claim': ['claims'],
    'partial_refusal': ['order_lines.refused_at'],
} -%}

-- the latest twelve months of which each order is old enough to have its troubles
with months as (
    select
        period_start as month_start,
        row_number() over (order by period_start desc) as recency
    from {{ ref('int_periods') }}
    where period_grain = 'month' and {{ add_days('period_end', 60) }} <= as_of
),

seller_orders as (
    select troubles.*
    from {{ ref('int_seller_order_troubles') }} as troubles
    inner join months
        on {{ period_start('month', 'troubles.ordered_on') }} = months.month_start
        and months.recency <= 12
    where troubles.is_reviewed
),

inputs as (
    select need from {{ ref('int_inputs') }}
    where is_present
),

known as (
    {% for driver, needs in drivers.items() -%}
        select '{{ driver }}' as driver
        from inputs
        having count_if(need in ('{{ needs | join("', '") }}')) = {{ needs | length }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

counted as (
    {% for driver in drivers -%}
        select
            '{{ driver }}' as driver,
            count_if(has_{{ driver }}) as with_orders,
            count_if(not has_{{ driver }}) as without_orders,
            count_if(has_{{ driver }} and is_negatively_reviewed) as negative_with,
            count_if(not has_{{ driver }} and is_negatively_reviewed) as negative_without
        from seller_orders
        having count(*) > 0
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    counted.driver,
    cast(counted.with_orders as bigint) as with_orders,
    cast(counted.without_orders as bigint) as without_orders,
    {{ ratio('counted.negative_with', 'counted.with_orders') }} as negative_share_with,
    {{ ratio('counted.negative_without', 'counted.without_orders') }} as negative_share_without,
    {{ ratio('counted.negative_with', 'counted.with_orders') }}
    - {{ ratio('counted.negative_without', 'counted.without_orders') }} as difference,
    {{ ratio('counted.negative_with', '(counted.negative_with + counted.negative_without)') }} as share_of_negative
from counted
inner join known on counted.driver = known.driver
