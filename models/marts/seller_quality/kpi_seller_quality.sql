with seller_orders as (
    select * from {{ ref('fct_seller_orders') }}
),

seller_order_categories as (
    select * from {{ ref('fct_seller_order_categories') }}
),

shipped_seller_orders as (
    select * from seller_orders
    where is_shipped
),

shipped_seller_order_categories as (
    select * from seller_order_categories
    where is_shipped
),

due_seller_orders as (
    select * from seller_orders
    where is_due
),

due_seller_order_categories as (
    select * from seller_order_categories
    where is_due
),

orders as (
    select * from {{ ref('fct_orders') }}
    where is_paid
),

order_categories as (
    select * from {{ ref('fct_order_categories') }}
),

order_sellers as (
    select * from {{ ref('fct_order_sellers') }}
),

lines as (
    select * from {{ ref('fct_order_lines') }}
),

shipped_lines as (
    select * from lines
    where is_shipped
),

delivered_lines as (
    select * from lines
    where is_delivered
),

accepted_lines as (
    select * from lines
    where is_accepted and is_paid
),

accepted_seller_orders as (
    select * from seller_orders
    where acceptance_status = 'accepted'
),

accepted_seller_order_categories as (
    select * from seller_order_categories
    where acceptance_status = 'accepted'
),

decided_disputes as (
    select * from {{ ref('fct_claims') }}
    where is_dispute and decision in ('buyer', 'seller')
),

seller_tickets as (
    select * from {{ ref('fct_tickets') }}
    where handled_by = 'seller' and not is_spam
),

valid_lines as (
    select * from lines
    where is_valid
),

{%- set by_place = {'country': 'country', 'region': 'region'} -%}
{%- set by_category = {'category': 'category'} -%}
{%- set by_seller = {'seller': 'seller_id'} -%}
{%- set by_place_and_seller = {'country': 'country', 'region': 'region', 'seller': 'seller_id'} -%}
{%- set by_all = {'country': 'country', 'region': 'region', 'seller': 'seller_id', 'category': 'category'} -%}


{%- set seller_order_terms = {
    'seller_orders': 'count(*)',
    'seller_cancelled_seller_orders': 'count_if(is_seller_cancelled)',
    'accepted_seller_orders': "count_if(acceptance_status = 'accepted')",
    'decided_seller_orders': "count_if(acceptance_status in ('accepted', 'refused'))",
    'accepted_seller_orders_to_ship': "count_if(acceptance_status = 'accepted' and is_ship_by_passed)",
    'accepted_seller_orders_shipped': "count_if(acceptance_status = 'accepted' and is_ship_by_passed and is_shipped)",
    'negatively_reviewed_seller_orders': 'count_if(is_negatively_reviewed)',
    'defective_seller_orders': 'count_if(is_defective)',
} -%}
{%- set order_terms = {
    'orders': 'count(*)',
    'orders_with_cancelled_line': 'count_if(has_cancelled_line)',
} -%}
{%- set due_terms = {
    'due_seller_orders': 'count(*)',
    'late_seller_orders': 'count_if(is_late_shipment)',
} -%}
{%- set acceptance_times = {'acceptance_time_median': ['acceptance_hours', 0.5]} -%}
{%- set processing_times = {
    'processing_time_median': ['processing_hours', 0.5],
    'processing_time_p90': ['processing_hours', 0.9],
} -%}

{{ kpi_terms([
    {
        'shape': 'sums', 'from': 'seller_orders', 'day': 'ordered_on', 'dimensions': by_place_and_seller,
        'terms': seller_order_terms,
    },
    {
        'shape': 'sums', 'from': 'seller_order_categories', 'day': 'ordered_on', 'is_cut': true, 'dimensions': by_category,
        'terms': seller_order_terms,
    },
    {
        'shape': 'percentiles', 'from': 'accepted_seller_orders', 'day': 'ordered_on', 'dimensions': by_place_and_seller,
        'terms': acceptance_times,
    },
    {
        'shape': 'percentiles', 'from': 'accepted_seller_order_categories', 'day': 'ordered_on', 'is_cut': true,
        'dimensions': by_category, 'terms': acceptance_times,
    },
    {
        'shape': 'percentiles', 'from': 'shipped_seller_orders', 'day': 'ordered_on', 'dimensions': by_place_and_seller,
        'terms': processing_times,
    },
    {
        'shape': 'percentiles', 'from': 'shipped_seller_order_categories', 'day': 'ordered_on', 'is_cut': true,
        'dimensions': by_category, 'terms': processing_times,
    },
    {
        'shape': 'sums', 'from': 'due_seller_orders', 'day': 'due_on', 'dimensions': by_place_and_seller,
        'terms': due_terms,
    },
    {
        'shape': 'sums', 'from': 'due_seller_order_categories', 'day': 'due_on', 'is_cut': true,
        'dimensions': by_category, 'terms': due_terms,
    },
    {'shape': 'sums', 'from': 'orders', 'day': 'ordered_on', 'dimensions': by_place, 'terms': order_terms},
    {
        'shape': 'sums', 'from': 'order_categories', 'day': 'ordered_on', 'is_cut': true,
        'dimensions': by_category, 'terms': order_terms,
    },
    {
        'shape': 'sums', 'from': 'order_sellers', 'day': 'ordered_on', 'is_cut': true,
        'dimensions': by_seller, 'terms': order_terms,
    },
    {
        'shape': 'sums', 'from': 'valid_lines', 'day': 'promised_on', 'dimensions': by_all,
        'terms': {'promised_lines': 'count(*)', 'on_time_lines': 'count_if(delivered_on <= promised_on)'},
    },
    {
        'shape': 'sums', 'from': 'shipped_lines', 'day': 'shipped_on', 'dimensions': by_all,
        'terms': {
            'tracked_lines': 'count(is_tracking_valid)',
            'validly_tracked_lines': 'count_if(is_tracking_valid)',
            'shipped_lines': 'count(*)',
            'platform_fulfilled_lines': 'count_if(is_platform_fulfilled)',
        },
    },
    {
        'shape': 'sums', 'from': 'delivered_lines', 'day': 'delivered_on', 'dimensions': by_all,
        'terms': {'delivered_quantity': 'sum(quantity)', 'returned_quantity': 'sum(returned_quantity)'},
    },
    {
        'shape': 'sums', 'from': 'accepted_lines', 'day': 'ordered_on', 'dimensions': by_all,
        'terms': {
            'accepted_lines': 'count(*)',
            'refunded_lines': 'count_if(is_refunded)',
            'claimed_lines': 'count_if(is_claimed)',
        },
    },
    {
        'shape': 'sums', 'from': 'decided_disputes', 'day': 'decided_on', 'dimensions': by_seller,
        'terms': {
            'decided_disputes': 'count(*)',
            'disputes_decided_for_buyer': "count_if(decision = 'buyer')",
        },
    },
    {
        'shape': 'sums', 'from': 'seller_tickets', 'day': 'opened_on', 'dimensions': by_seller,
        'terms': {
            'seller_tickets_due': 'count_if(needs_response and is_sla_due)',
            'seller_tickets_answered_24h': 'count_if(needs_response and is_sla_due and is_answered_within_24h)',
        },
    },
    {
        'shape': 'percentiles', 'from': 'seller_tickets', 'day': 'opened_on', 'dimensions': by_seller,
        'terms': {'seller_response_time_median': ['first_response_hours', 0.5]},
    },
]) }},

shown as (
    select
        {{ kpi_keys() }},

        -- acceptance
        seller_orders,
        accepted_seller_orders,
        decided_seller_orders,
        {{ ratio('accepted_seller_orders', 'decided_seller_orders') }} as acceptance_rate,
        acceptance_time_median,
        acceptance_time_median_n,

        -- shipping
        accepted_seller_orders_shipped,
        accepted_seller_orders_to_ship,
        {{ ratio('accepted_seller_orders_shipped', 'accepted_seller_orders_to_ship') }} as shipping_rate,
        late_seller_orders,
        due_seller_orders,
        {{ ratio('late_seller_orders', 'due_seller_orders') }} as late_shipment_rate,
        processing_time_median,
        processing_time_median_n,
        processing_time_p90,
        processing_time_p90_n,

        validly_tracked_lines,
        tracked_lines,
        {{ ratio('validly_tracked_lines', 'tracked_lines') }} as valid_tracking_rate,
        platform_fulfilled_lines,
        shipped_lines,
        {{ ratio('platform_fulfilled_lines', 'shipped_lines') }} as platform_fulfilled_share,

        -- delivery
        on_time_lines,
        promised_lines,
        {{ ratio('on_time_lines', 'promised_lines') }} as on_time_delivery_rate,

        -- cancellation
        orders_with_cancelled_line,
        orders,
        {{ ratio('orders_with_cancelled_line', 'orders') }} as cancellation_rate,
        seller_cancelled_seller_orders,
        {{ ratio('seller_cancelled_seller_orders', 'seller_orders') }} as seller_cancellation_rate,

        -- after the sale
        returned_quantity,
        delivered_quantity,
        {{ ratio('returned_quantity', 'delivered_quantity') }} as return_rate,
        refunded_lines,
        accepted_lines,
        {{ ratio('refunded_lines', 'accepted_lines') }} as refund_rate,
        claimed_lines,
        {{ ratio('claimed_lines', 'accepted_lines') }} as claim_rate,
        disputes_decided_for_buyer,
        decided_disputes,
        {{ ratio('disputes_decided_for_buyer', 'decided_disputes') }} as dispute_buyer_win_rate,
        negatively_reviewed_seller_orders,
        {{ ratio('negatively_reviewed_seller_orders', 'seller_orders') }} as negative_feedback_rate,
        defective_seller_orders,
        {{ ratio('defective_seller_orders', 'seller_orders') }} as order_defect_rate,

        -- answers to buyers
        seller_response_time_median,
        seller_response_time_median_n,
        seller_tickets_answered_24h,
        seller_tickets_due,
        {{ ratio('seller_tickets_answered_24h', 'seller_tickets_due') }} as seller_response_sla_24h_rate
    from terms
),

{{ kpi_without_gaps('seller_quality') }}
