with tickets as (
    select * from {{ ref('stg_support_tickets') }}
),

orders as (
    select * from {{ ref('int_orders') }}
),

customers as (
    select * from {{ ref('stg_customers') }}
),

span as (
    select * from {{ ref('int_span') }}
),

known as (
    select
        tickets.*,
        coalesce(orders.country, customers.country) as country,
        coalesce(orders.region, customers.region) as region,
        span.as_of_end,
        {{ known('tickets.first_response_at') }} as known_first_response_at,
        {{ known('tickets.resolved_at') }} as known_resolved_at,
        {{ known('tickets.reopened_at') }} as known_reopened_at
    from tickets
    cross join span
    left join orders on tickets.order_id = orders.order_id
    left join customers on tickets.customer_id = customers.customer_id
    where
        tickets.opened_at < span.as_of_end
        and coalesce(orders.is_counted, true)
)

select
    -- ids
    ticket_id,
    order_id,
    customer_id,
    seller_id,

    -- attributes
    requester,
    handled_by,
    topic,
    country,
    region,

    -- times
    opened_at,
    {{ business_day('opened_at') }} as opened_on,
    known_first_response_at as first_response_at,
    known_resolved_at as resolved_at,
    known_reopened_at as reopened_at,

    -- flags
    coalesce(is_spam, false) as is_spam,
    coalesce(needs_response, true) as needs_response,
    {{ hours_between('opened_at', 'as_of_end') }} >= 24 as is_sla_due,
    coalesce({{ hours_between('opened_at', 'known_first_response_at') }} <= 24, false) as is_answered_within_24h,
    known_resolved_at is not null and known_reopened_at is null as is_resolved,

    -- numerics
    {{ hours_between('opened_at', 'known_first_response_at') }} as first_response_hours,
    {{ hours_between('opened_at', 'known_resolved_at') }} as resolution_hours
from known
