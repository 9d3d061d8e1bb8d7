{# What a group of lines of one paid order amounts to: the whole order, or its lines of one category or one seller.
   Written once, so that an order by category or seller follows the same definition as the order itself. #}
{% macro order_measures(lines) %}
    count(*) as lines,
    cast(sum({{ lines }}.quantity) as bigint) as quantity,
    count(distinct case when {{ lines }}.is_valid then {{ lines }}.product_id end) as valid_products,
    max(case when {{ lines }}.is_valid then 1 else 0 end) = 1 as is_valid,
    max(case when {{ lines }}.is_cancelled or {{ lines }}.is_refused then 1 else 0 end) = 1 as has_cancelled_line,
    sum({{ lines }}.line_value) as line_value,
    sum({{ lines }}.net_value) as net_value,
    sum(case when {{ lines }}.is_valid then {{ lines }}.line_value else 0 end) as valid_line_value,
    sum(case when {{ lines }}.is_valid then {{ lines }}.commission_amount else 0 end) as valid_commission,
    sum(case when {{ lines }}.is_valid then {{ lines }}.commission_amount - {{ lines }}.platform_discount - {{ lines }}.handling_cost else 0 end) as valid_margin
{% endmacro %}


{# What a group of lines of one seller order amounts to: the whole seller order, or its lines of one category.
   `due` is what the late shipment rate looks at: the lines not fulfilled by the platform. #}
{% macro seller_order_measures(lines) %}
    {%- set to_ship = 'not ' ~ lines ~ '.is_refused and not ' ~ lines ~ '.is_cancelled_before_shipment' -%}
    {%- set due = to_ship ~ ' and not ' ~ lines ~ '.is_platform_fulfilled' -%}
    count(*) as lines,
    max(case when {{ lines }}.is_valid then 1 else 0 end) = 1 as is_valid,
    max(
        case
            when {{ lines }}.is_refused then 1
            when {{ lines }}.is_cancelled_before_shipment and {{ lines }}.cancelled_by = 'seller' then 1
            else 0
        end
    ) = 1 as is_seller_cancelled,
    case
        when max(case when {{ lines }}.acceptance_status = 'refused' then 1 else 0 end) = 1 then 'refused'
        when min(case when {{ lines }}.acceptance_status = 'left_out' then 1 else 0 end) = 1 then 'left_out'
        when min(case when {{ lines }}.acceptance_status in ('accepted', 'left_out') then 1 else 0 end) = 1 then 'accepted'
        else 'waiting'
    end as acceptance_status,
    max(case when {{ lines }}.acceptance_status = 'accepted' then {{ lines }}.accepted_at end) as accepted_at,
    max(case when {{ to_ship }} then {{ lines }}.ship_by_at end) as ship_by_at,
    case
        when min(case when {{ to_ship }} and not {{ lines }}.is_shipped then 0 else 1 end) = 1
            then max(case when {{ to_ship }} then {{ lines }}.shipped_at end)
    end as shipped_at,
    max(case when {{ due }} then {{ lines }}.ship_by_at end) as due_at,
    case
        when min(case when {{ due }} and not {{ lines }}.is_shipped then 0 else 1 end) = 1
            then max(case when {{ due }} then {{ lines }}.shipped_at end)
    end as due_shipped_at,
    case
        when min(case when {{ lines }}.is_valid and not {{ lines }}.is_delivered then 0 else 1 end) = 1
            then max(case when {{ lines }}.is_valid then {{ lines }}.delivered_at end)
    end as delivered_at,
    max(case when {{ lines }}.is_dispute_defect then 1 else 0 end) = 1 as has_dispute_defect,
    cast(sum({{ lines }}.quantity) as bigint) as quantity,
    sum({{ lines }}.line_value) as line_value,
    sum({{ lines }}.net_value) as net_value
{% endmacro %}


{# Seller orders (whole, or cut by further line columns) from the lines of paid orders, with every flag a KPI reads. #}
{% macro seller_orders(cut_by=[]) %}
with lines as (
    select * from {{ ref('fct_order_lines') }}
    where is_paid
),

vacations as (
    select * from {{ ref('int_seller_vacations') }}
),

reviews as (
    select
        order_id,
        seller_id,
        count(*) as reviews,
        max(case when rating <= 2 then 1 else 0 end) = 1 as is_negative
    from {{ ref('fct_reviews') }}
    where subject = 'seller' and not is_withdrawn
    group by order_id, seller_id
),

span as (
    select * from {{ ref('int_span') }}
),

grouped as (
    select
        lines.order_id,
        lines.seller_id,
        {% for column in cut_by -%}
            coalesce(lines.{{ column }}, 'unknown') as {{ column }},
        {% endfor -%}
        min(lines.customer_id) as customer_id,
        min(lines.country) as country,
        min(lines.region) as region,
        min(lines.sales_channel) as sales_channel,
        min(lines.customer_type) as customer_type,
        min(lines.ordered_at) as ordered_at,
        min(lines.ordered_on) as ordered_on,
        min(lines.paid_at) as paid_at,
        {{ seller_order_measures('lines') | trim | indent(8) }}
    from lines
    group by lines.order_id, lines.seller_id{% for column in cut_by %}, coalesce(lines.{{ column }}, 'unknown'){% endfor %}
),

on_vacation as (
    select distinct
        grouped.order_id,
        grouped.seller_id,
        grouped.due_at
    from grouped
    inner join vacations
        on grouped.seller_id = vacations.seller_id
        and grouped.due_at >= vacations.started_at
        and grouped.due_at < vacations.ended_at
)

select
    -- ids
    grouped.order_id,
    grouped.seller_id,
    grouped.customer_id,

    -- attributes
    {% for column in cut_by -%}
        grouped.{{ column }},
    {% endfor -%}
    grouped.country,
    grouped.region,
    grouped.sales_channel,
    grouped.customer_type,

    -- times
    grouped.ordered_at,
    grouped.ordered_on,
    grouped.paid_at,
    grouped.accepted_at,
    grouped.ship_by_at,
    grouped.shipped_at,
    grouped.due_at,
    {{ business_day('grouped.due_at') }} as due_on,
    grouped.delivered_at,
    {{ business_day('grouped.delivered_at') }} as delivered_on,

    -- flags
    grouped.acceptance_status,
    grouped.is_valid,
    {% if not cut_by -%}
        grouped.is_valid and row_number() over (
            partition by grouped.seller_id, grouped.is_valid
            order by grouped.ordered_at, grouped.order_id
        ) = 1 as is_first_sale_of_seller,
    {% endif -%}
    grouped.is_seller_cancelled,
    coalesce(grouped.ship_by_at < span.as_of_end, false) as is_ship_by_passed,
    grouped.shipped_at is not null as is_shipped,
    coalesce(grouped.due_at < span.as_of_end, false) and on_vacation.order_id is null as is_due,
    grouped.due_at is not null and (grouped.due_shipped_at is null or grouped.due_shipped_at > grouped.due_at) as is_late_shipment,
    coalesce(reviews.reviews, 0) > 0 as is_reviewed,
    coalesce(reviews.is_negative, false) as is_negatively_reviewed,
    coalesce(reviews.is_negative, false) or grouped.has_dispute_defect as is_defective,

    -- numerics
    cast(grouped.lines as bigint) as lines,
    cast(grouped.quantity as bigint) as quantity,
    {{ hours_between('grouped.paid_at', 'grouped.accepted_at') }} as acceptance_hours,
    {{ hours_between('grouped.paid_at', 'grouped.shipped_at') }} as processing_hours,

    -- money in the reporting currency
    grouped.line_value,
    grouped.net_value
from grouped
cross join span
left join on_vacation
    on grouped.order_id = on_vacation.order_id
    and grouped.seller_id = on_vacation.seller_id
    and grouped.due_at = on_vacation.due_at
left join reviews on grouped.order_id = reviews.order_id and grouped.seller_id = reviews.seller_id
{% endmacro %}


{# Paid orders cut by one line column: one row per paid order and value, with the measures of those lines. #}
{% macro orders_cut_by(column) %}
with lines as (
    select * from {{ ref('fct_order_lines') }}
    where is_paid
)

select
    -- ids
    lines.order_id,
    coalesce(lines.{{ column }}, 'unknown') as {{ column }},
    min(lines.customer_id) as customer_id,

    -- times
    min(lines.ordered_at) as ordered_at,
    min(lines.ordered_on) as ordered_on,

    -- measures of the lines with that value
    {{ order_measures('lines') | trim | indent(4) }}
from lines
group by lines.order_id, coalesce(lines.{{ column }}, 'unknown')
{% endmacro %}
