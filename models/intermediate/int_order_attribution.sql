with orders as (
    select
        orders.order_id,
        orders.customer_id,
        orders.session_id,
        orders.ordered_at,
        orders.ordered_on
    from {{ ref('int_orders') }} as orders
    left join {{ ref('stg_customers') }} as customers on orders.customer_id = customers.customer_id
    -- a customer who refused analytics is never joined to sessions
    where orders.is_counted and coalesce(customers.consent_analytics, true)
),

sessions as (
    select * from {{ ref('int_sessions') }}
),

identified_events as (
    select distinct
        visitor_id,
        customer_id,
        order_id
    from {{ ref('int_events') }}
    where customer_id is not null or order_id is not null
),

-- a session id is unique within its visitor only: one that several visitors have links nobody
known_ids as (
    select
        session_id,
        min(visitor_id) as visitor_id
    from sessions
    where session_id is not null
    group by session_id
    having min(visitor_id) = max(visitor_id)
),

-- the visitors of a buyer
visitors as (
    select
        customer_id,
        visitor_id
    from identified_events
    where customer_id is not null
    union distinct
    select
        orders.customer_id,
        identified_events.visitor_id
    from identified_events
    inner join orders on identified_events.order_id = orders.order_id
    union distinct
    select
        orders.customer_id,
        known_ids.visitor_id
    from orders
    inner join known_ids on orders.session_id = known_ids.session_id
),

candidates as (
    select
        orders.order_id,
        sessions.session_key,
        sessions.channel,
        sessions.campaign_id,
        sessions.is_paid_channel,
        row_number() over (
            partition by orders.order_id
            order by sessions.started_at desc, sessions.visitor_id, sessions.session_id nulls last
        ) as recency
    from orders
    inner join visitors on orders.customer_id = visitors.customer_id
    inner join sessions
        on visitors.visitor_id = sessions.visitor_id
        and sessions.channel <> 'direct'
        and sessions.started_at <= orders.ordered_at
        and sessions.started_on between {{ add_days('orders.ordered_on', -29) }} and orders.ordered_on
)

select
    order_id,
    session_key,
    channel,
    campaign_id,
    is_paid_channel
from candidates
where recency = 1
