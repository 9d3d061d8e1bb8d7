with sessions as (
    select * from {{ ref('fct_sessions') }}
),

purchases as (
    select * from {{ ref('int_purchases') }}
),

carts as (
    select * from {{ ref('fct_carts') }}
),

session_categories as (
    select * from {{ ref('int_session_categories') }}
),

viewing_sessions as (
    select
        session_key,
        max(started_on) as started_on,
        max(cast(is_bought as integer)) = 1 as is_bought
    from session_categories
    group by session_key
),

attempted_orders as (
    select
        order_id,
        min(country) as country,
        min(region) as region,
        min(attempted_on) as first_attempt_on,
        max(cast(is_succeeded as integer)) = 1 as is_completed
    from {{ ref('fct_payments') }}
    group by order_id
),

{%- set of_session = {'channel': 'channel', 'device': 'device', 'country': 'country', 'region': 'region'} -%}
{%- set category_terms = {
    'product_view_sessions': 'count(*)',
    'product_view_sessions_that_bought': 'count_if(is_bought)',
} -%}

{{ kpi_terms([
    {
        'shape': 'sums', 'from': 'sessions', 'day': 'started_on', 'dimensions': of_session,
        'terms': {
            'sessions': 'count(*)',
            'purchase_sessions': 'count_if(has_purchase)',
            'checkout_sessions': 'count_if(has_checkout)',
            'abandoned_checkout_sessions': 'count_if(has_checkout and not has_purchase)',
            'intentful_sessions': 'count_if(is_intentful)',
            'intentful_purchase_sessions': 'count_if(is_intentful and has_purchase)',
        },
    },
    {
        'shape': 'distinct', 'from': 'sessions', 'day': 'started_on', 'entity': 'visitor_id', 'dimensions': of_session,
        'terms': {'visitors': 'true', 'purchase_visitors': 'has_purchase'},
    },
    {
        'shape': 'distinct', 'from': 'purchases', 'day': 'started_on', 'entity': 'purchase_key', 'dimensions': of_session,
        'terms': {'purchases': 'true'},
    },
    {
        'shape': 'sums', 'from': 'carts', 'day': 'created_on', 'dimensions': of_session,
        'terms': {
            'carts': 'count(*)',
            'purchased_carts': 'count_if(is_purchased)',
            'abandoned_carts': 'count_if(not is_purchased)',
        },
    },
    {
        'shape': 'sums', 'from': 'attempted_orders', 'day': 'first_attempt_on',
        'dimensions': {'country': 'country', 'region': 'region'},
        'terms': {'attempted_orders': 'count(*)', 'completed_orders': 'count_if(is_completed)'},
    },
    {
        'shape': 'sums', 'from': 'viewing_sessions', 'day': 'started_on',
        'terms': category_terms,
    },
    {
        'shape': 'sums', 'from': 'session_categories', 'day': 'started_on', 'is_cut': true,
        'dimensions': {'category': 'category'}, 'terms': category_terms,
    },
]) }},

shown as (
    select
        {{ kpi_keys() }},

        -- sessions and visitors that buy
        sessions,
        purchase_sessions,
        {{ ratio('purchase_sessions', 'sessions') }} as conversion_rate_session,
        visitors,
        purchase_visitors,
        {{ ratio('purchase_visitors', 'visitors') }} as conversion_rate_visitor,
        purchases,
        {{ ratio('purchases', 'sessions') }} as orders_per_session,
        intentful_sessions,
        intentful_purchase_sessions,
        {{ ratio('intentful_purchase_sessions', 'intentful_sessions') }} as liquidity_rate,
        product_view_sessions,
        product_view_sessions_that_bought,
        {{ ratio('product_view_sessions_that_bought', 'product_view_sessions') }} as category_conversion_rate,

        -- carts
        carts,
        purchased_carts,
        {{ ratio('purchased_carts', 'carts') }} as conversion_rate_cart,
        abandoned_carts,
        {{ ratio('abandoned_carts', 'carts') }} as cart_abandonment_rate,

        -- checkout and payment
        checkout_sessions,
        abandoned_checkout_sessions,
        {{ ratio('abandoned_checkout_sessions', 'checkout_sessions') }} as checkout_abandonment_rate,
        attempted_orders,
        completed_orders,
        {{ ratio('completed_orders', 'attempted_orders') }} as transaction_completion_rate
    from terms
),

{{ kpi_without_gaps('conversion') }}
