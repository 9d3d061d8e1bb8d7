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

payments as (
    select * from {{ ref('fct_payments') }}
    where is_succeeded
),

ledger as (
    select * from {{ ref('fct_ledger') }}
),

-- payment fees belong to no seller
seller_ledger as (
    select * from ledger
    where platform_revenue <> 0 or shipped_line_value <> 0 or seller_id is not null
),

valid_orders as (
    select * from orders
    where is_valid
),

operating_costs as (
    select * from {{ ref('fct_operating_costs') }}
),

ad_spend as (
    select * from {{ ref('fct_ad_spend') }}
),

{%- set of_order_and_channel = {
    'country': 'country', 'region': 'region', 'sales_channel': 'sales_channel', 'customer_type': 'customer_type',
    'channel': 'channel',
} -%}
{%- set of_order = {'country': 'country', 'region': 'region', 'sales_channel': 'sales_channel', 'customer_type': 'customer_type'} -%}
{%- set order_terms = {
    'orders': 'count(*)',
    'valid_orders': 'count_if(is_valid)',
    'items': 'sum(quantity)',
    'gmv': 'sum(line_value)',
    'gmv_net': 'sum(net_value)',
    'valid_commission': 'sum(valid_commission)',
    'valid_line_value': 'sum(valid_line_value)',
} -%}
{%- set amounts = ['gmv', 'gmv_net', 'valid_commission', 'valid_line_value'] -%}

{{ kpi_terms([
    {
        'shape': 'sums', 'from': 'orders', 'day': 'ordered_on', 'dimensions': of_order_and_channel,
        'terms': order_terms, 'money': amounts,
    },
    {
        'shape': 'sums', 'from': 'order_categories', 'day': 'ordered_on', 'is_cut': true,
        'dimensions': {'category': 'category'}, 'terms': order_terms, 'money': amounts,
    },
    {
        'shape': 'sums', 'from': 'order_sellers', 'day': 'ordered_on', 'is_cut': true,
        'dimensions': {'seller': 'seller_id'}, 'terms': order_terms, 'money': amounts,
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
        'terms': {'refunded_amount': 'sum(amount)'}, 'money': ['refunded_amount'],
    },
    {
        'shape': 'sums', 'from': 'payments', 'day': 'attempted_on',
        'dimensions': {'country': 'country', 'region': 'region'},
        'terms': {'transactions': 'count(*)', 'transaction_volume': 'sum(amount)'}, 'money': ['transaction_volume'],
    },
    {
        'shape': 'sums', 'from': 'seller_ledger', 'day': 'posted_on', 'dimensions': {'seller': 'seller_id'},
        'terms': {'platform_revenue': 'sum(platform_revenue)', 'shipped_line_value': 'sum(shipped_line_value)'},
        'money': ['platform_revenue', 'shipped_line_value'],
    },
    {
        'shape': 'sums', 'from': 'ledger', 'day': 'posted_on',
        'terms': {'direct_cost': 'sum(direct_cost)'}, 'money': ['direct_cost'],
    },
    {
        'shape': 'distinct', 'from': 'valid_orders', 'day': 'ordered_on', 'entity': 'customer_id',
        'terms': {'period_buyers': 'true'},
    },
    {
        'shape': 'sums', 'from': 'operating_costs', 'day': 'cost_on',
        'terms': {'operating_cost': 'sum(amount)'}, 'money': ['operating_cost'],
    },
    {
        'shape': 'sums', 'from': 'ad_spend', 'day': 'spent_on',
        'terms': {'ad_spend': 'sum(cost)'}, 'money': ['ad_spend'],
    },
]) }},

margins as (
    select
        *,
        platform_revenue - direct_cost as gross_margin,
        case when platform_revenue > 0 then platform_revenue end as positive_platform_revenue
    from terms
),

shown as (
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
        refunded_amount,
        transactions,
        transaction_volume,

        -- what the platform earns, in the reporting currency
        valid_commission,
        valid_line_value,
        {{ ratio('valid_commission', 'valid_line_value') }} as commission_rate,
        platform_revenue,
        shipped_line_value,
        {{ ratio('platform_revenue', 'shipped_line_value') }} as take_rate,
        period_buyers,
        {{ ratio('platform_revenue', 'period_buyers') }} as arpu,
        direct_cost,
        gross_margin,
        positive_platform_revenue,
        {{ ratio('gross_margin', 'positive_platform_revenue') }} as gross_margin_rate,
        operating_cost,
        ad_spend,
        gross_margin - operating_cost - ad_spend as contribution_margin
    from margins
),

{{ kpi_without_gaps('sales') }}
