with orders as (
    select * from {{ ref('int_orders') }}
    where is_counted
),

attribution as (
    select * from {{ ref('int_order_attribution') }}
),

-- days on which an order that no session explains came directly
web as (
    select days.date_day
    from {{ ref('int_feed_days') }} as days
    inner join {{ ref('int_inputs') }} as inputs on inputs.need = '{{ tie_of_visitors_to_buyers() }}'
    where days.feed = 'events.occurred_at' and days.is_covered and inputs.is_present
),

lines as (
    select * from {{ ref('fct_order_lines') }}
),

measured as (
    select
        lines.order_id,
        {{ order_measures('lines') | trim | indent(8) }}
    from lines
    group by lines.order_id
),

combined as (
    select
        orders.*,
        -- where nothing is tracked a channel is unknown
        coalesce(attribution.channel, case when web.date_day is not null then 'direct' end) as channel,
        attribution.campaign_id,
        coalesce(attribution.is_paid_channel, false) as is_paid_channel,
        coalesce(measured.lines, 0) as lines,
        coalesce(measured.quantity, 0) as quantity,
        coalesce(measured.valid_products, 0) as valid_products,
        coalesce(measured.is_valid, false) as is_valid,
        coalesce(measured.has_cancelled_line, false) as has_cancelled_line,
        coalesce(measured.line_value, 0) as line_value,
        coalesce(measured.net_value, 0) as net_value,
        coalesce(measured.valid_line_value, 0) as valid_line_value,
        coalesce(measured.valid_commission, 0) as valid_commission,
        coalesce(measured.valid_margin, 0) as valid_margin
    from orders
    left join web on orders.ordered_on = web.date_day
    left join measured on orders.order_id = measured.order_id
    left join attribution on orders.order_id = attribution.order_id
),

-- the place of a valid order among its customer's valid orders
numbered as (
    select
        order_id,
        row_number() over customer_orders as customer_order_number,
        first_value(ordered_on) over customer_orders as first_valid_order_on,
        lag(ordered_on) over customer_orders as previous_valid_order_on,
        lead(ordered_on) over customer_orders as next_valid_order_on,
        first_value(channel) over customer_orders as first_order_channel
    from combined
    where is_valid
    window customer_orders as (partition by customer_id order by ordered_at, order_id)
)

select
    -- ids
    combined.order_id,
    combined.customer_id,
    combined.session_id,

    -- attributes
    combined.country,
    combined.region,
    combined.customer_country,
    combined.customer_region,
    combined.customer_type,
    combined.sales_channel,
    combined.channel,
    combined.campaign_id,
    numbered.first_order_channel,
    combined.currency,

    -- times
    combined.ordered_at,
    combined.ordered_on,
    combined.paid_at,
    numbered.first_valid_order_on,
    numbered.previous_valid_order_on,
    numbered.next_valid_order_on,

    -- flags
    combined.is_paid,
    combined.is_paid_channel,
    combined.is_valid,
    combined.has_cancelled_line,

    -- numerics
    numbered.customer_order_number,
    cast(combined.lines as bigint) as lines,
    cast(combined.quantity as bigint) as quantity,
    cast(combined.valid_products as bigint) as valid_products,

    -- money in the reporting currency
    combined.line_value,
    combined.net_value,
    combined.valid_line_value,
    combined.valid_commission,
    combined.valid_margin
from combined
left join numbered on combined.order_id = numbered.order_id
