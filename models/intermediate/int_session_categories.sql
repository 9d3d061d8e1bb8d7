with viewed as (
    select distinct
        events.session_key,
        coalesce(products.category, 'unknown') as category
    from {{ ref('int_events') }} as events
    left join {{ ref('stg_products') }} as products on events.product_id = products.product_id
    where events.event_name = 'product_view'
),

bought as (
    select distinct
        purchases.session_key,
        coalesce(products.category, 'unknown') as category
    from {{ ref('int_purchases') }} as purchases
    inner join {{ ref('int_order_lines') }} as lines on purchases.order_id = lines.order_id
    left join {{ ref('stg_products') }} as products on lines.product_id = products.product_id
)

select
    viewed.session_key,
    viewed.category,
    sessions.started_on,
    bought.category is not null as is_bought
from viewed
inner join {{ ref('int_sessions') }} as sessions on viewed.session_key = sessions.session_key
left join bought on viewed.session_key = bought.session_key and viewed.category = bought.category
