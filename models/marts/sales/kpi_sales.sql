with orders as (
    select * from {{ ref('fct_orders') }}
    where is_paid
),

order_categories as (
    select * from {{ ref('fct_order_categories') }}
),

order_sellers as (
    select * from {{ ref('fct_order_sellers') }}
),

refunds as (
    select * from {{ ref('fct_refunds') }}
),

{%- set of_order = {'country': 'country', 'region': 'region', 'sales_channel': 'sales_channel', 'customer_type': 'customer_type'} -%}
{%- set order_terms = {
    'orders': 'count(*)',
    'valid_orders': 'count_if(is_valid)',
    'items': 'sum(quantity)',
    'gmv': 'sum(line_value)',
    'gmv_net': 'sum(net_value)',
} -%}

{{ kpi_terms([
    {
        'shape': 'sums', 'from': 'orders', 'day': 'ordered_on', 'dimensions': of_order,
        'terms': order_terms, 'money': ['gmv', 'gmv_net'],
    },
    {
        'shape': 'sums', 'from': 'order_categories', 'day': 'ordered_on', 'is_cut': true,
        'dimensions': {'category': 'category'}, 'terms': order_terms, 'money': ['gmv', 'gmv_net'],
    },
    {
        'shape': 'sums', 'from': 'order_sellers', 'day': 'ordered_on', 'is_cut': true,
        'dimensions': {'seller': 'seller_id'}, 'terms': order_terms, 'money': ['gmv', 'gmv_net'],
    },
    {
        'shape': 'sums', 'from': 'orders', 'day': 'ordered_on', 'dimensions': of_order,
        'terms': {'multi_product_orders': 'count_if(valid_products >= 2)'},
    },
    {
        'shape': 'percentiles', 'from': 'orders', 'day': 'ordered_on', 'dimensions': of_order,
        'terms': {'median_order_value': ['line_value', 0.5]},
    },
    {
        'shape': 'sums', 'from': 'refunds', 'day': 'refunded_on',
        'dimensions': {'seller': 'seller_id', 'category': 'category'},
        'terms': {'refunded_amount': 'sum(amount)'}, 'money': ['refunded_amount'], 'needs': ['refunds'],
    },
]) }}

select
    {{ kpi_keys() }},

    -- orders
    orders,
    valid_orders,
    items,
    {{ ratio('items', 'orders') }} as items_per_order,
    multi_product_orders,
    {{ ratio('multi_product_orders', 'valid_orders') }} as multi_product_order_share,

    -- money in the reporting currency
    gmv,
    gmv_net,
    {{ ratio('gmv', 'orders') }} as aov,
    median_order_value,
    median_order_value_n,
    refunded_amount
from terms
