select
    event_id,
    occurred_at,
    event_name,
    visitor_id,
    session_id,
    customer_id,
    cart_id,
    order_id,
    product_id,
    seller_id,
    offer_id,
    page_url,
    page_type,
    search_term,
    search_results,
    feature,
    engagement_ms,
    load_ms,
    source,
    medium,
    campaign_id,
    device,
    country,
    region,
    is_bot
from {{ ref('base_events') }}
where _fault is null and _is_latest
{{ linked_rows('events', ref('base_events')) }}
