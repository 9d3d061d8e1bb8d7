select
    -- ids
    session_key,
    visitor_id,
    session_id,

    -- attributes, of the first event
    source,
    medium,
    channel,
    campaign_id,
    device,
    country,
    region,

    -- times
    started_at,
    ended_at,
    started_on,

    -- flags
    is_first_of_visitor,
    is_paid_channel,
    duration_seconds > 10 or views >= 2 or cart_additions > 0 or checkouts > 0 or purchases > 0 as is_engaged,
    views <= 1 and cart_additions = 0 and checkouts = 0 and purchases = 0 as is_single_page,
    searches > 0 or product_views > 0 as is_intentful,
    product_views > 0 as has_product_view,
    cart_additions > 0 as has_cart,
    checkouts > 0 as has_checkout,
    purchases > 0 as has_purchase,

    -- numerics
    views,
    product_views,
    searches,
    duration_seconds
from {{ ref('int_sessions') }}
