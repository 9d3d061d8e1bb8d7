with events as (
    select
        event_id,
        event_name,
        occurred_at,
        session_key,
        cart_id
    from {{ ref('int_events') }}
    where event_name in ('add_to_cart', 'purchase')
),

sessions as (
    select * from {{ ref('int_sessions') }}
),

additions as (
    select
        case when cart_id is not null then concat('cart|', cart_id) else concat('session|', session_key) end as cart_key,
        cart_id,
        session_key,
        occurred_at,
        event_id
    from events
    where event_name = 'add_to_cart'
),

created as (
    select
        *,
        row_number() over (partition by cart_key order by occurred_at, event_id) as addition_number
    from additions
),

-- a purchase without a cart id counts for the carts of its session
purchases as (
    select
        concat('cart|', cart_id) as cart_key,
        occurred_at
    from events
    where event_name = 'purchase' and cart_id is not null
    union all
    select
        carts.cart_key,
        events.occurred_at
    from events
    inner join (select distinct cart_key, session_key from additions) as carts on events.session_key = carts.session_key
    where events.event_name = 'purchase' and events.cart_id is null
),

dated as (
    select
        created.cart_key,
        created.cart_id,
        created.session_key,
        created.occurred_at as created_at,
        {{ business_day('created.occurred_at') }} as created_on
    from created
    where created.addition_number = 1
),

purchased as (
    select
        dated.cart_key,
        min(purchases.occurred_at) as purchased_at
    from dated
    inner join purchases
        on dated.cart_key = purchases.cart_key
        and purchases.occurred_at >= dated.created_at
    group by dated.cart_key
)

select
    -- ids
    dated.cart_key,
    dated.cart_id,
    dated.session_key,
    sessions.visitor_id,

    -- attributes, of the session it was created in
    sessions.channel,
    sessions.campaign_id,
    sessions.device,
    sessions.country,
    sessions.region,

    -- times
    dated.created_at,
    dated.created_on,
    purchased.purchased_at,

    -- flags
    coalesce({{ business_day('purchased.purchased_at') }} <= {{ add_days('dated.created_on', 7) }}, false) as is_purchased
from dated
inner join sessions on dated.session_key = sessions.session_key
left join purchased on dated.cart_key = purchased.cart_key
