with ad_spend as (
    select * from {{ ref('fct_ad_spend') }}
),

leads as (
    select * from {{ ref('fct_leads') }}
),

valid_orders as (
    select * from {{ ref('fct_orders') }}
    where is_valid
),

first_orders as (
    select * from valid_orders
    where customer_order_number = 1
),

paid_channel_orders as (
    select * from {{ ref('fct_orders') }}
    where is_paid and is_paid_channel
),

first_sales as (
    select * from {{ ref('fct_seller_orders') }}
    where is_first_sale_of_seller
),

{%- set by_campaign = {'channel': 'channel', 'campaign': 'campaign_id'} -%}
{%- set of_buyer = {
    'country': 'customer_country', 'region': 'customer_region', 'channel': 'channel', 'customer_type': 'customer_type',
} -%}

{{ kpi_terms([
    {
        'shape': 'sums', 'from': 'ad_spend', 'day': 'spent_on', 'dimensions': by_campaign,
        'terms': {
            'ad_impressions': 'sum(impressions)',
            'ad_clicks': 'sum(clicks)',
            'ad_spend': 'sum(cost)',
            'ad_spend_x1000': '1000 * sum(cost)',
            'order_ad_clicks': 'sum(case when is_for_orders then clicks else 0 end)',
            'order_ad_spend': 'sum(case when is_for_orders then cost else 0 end)',
            'acquisition_cost': 'sum(case when is_acquisition then cost else 0 end)',
            'lead_ad_spend': "sum(case when objective = 'leads' then cost else 0 end)",
        },
        'money': ['ad_spend', 'ad_spend_x1000', 'order_ad_spend', 'acquisition_cost', 'lead_ad_spend'],
    },
    {
        'shape': 'sums', 'from': 'ad_spend', 'day': 'spent_on',
        'terms': {
            'seller_ad_spend': "sum(case when audience = 'sellers' then cost else 0 end)",
            'retention_ad_spend': "sum(case when objective = 'retention' then cost else 0 end)",
        },
        'money': ['seller_ad_spend', 'retention_ad_spend'],
    },
    {
        'shape': 'sums', 'from': 'paid_channel_orders', 'day': 'ordered_on', 'dimensions': by_campaign,
        'terms': {
            'paid_channel_valid_orders': 'count_if(is_valid)',
            'paid_channel_new_buyers': 'count_if(is_valid and customer_order_number = 1)',
            'paid_channel_gmv_net': 'sum(net_value)',
        },
        'money': ['paid_channel_gmv_net'],
    },
    {
        'shape': 'sums', 'from': 'paid_channel_orders', 'day': 'ordered_on', 'dimensions': by_campaign,
        'terms': {'paid_channel_margin': 'sum(valid_margin)'}, 'money': ['paid_channel_margin'],
    },
    {
        'shape': 'sums', 'from': 'first_orders', 'day': 'ordered_on', 'dimensions': of_buyer,
        'terms': {'new_buyers': 'count(*)'},
    },
    {
        'shape': 'sums', 'from': 'valid_orders', 'day': 'ordered_on',
        'terms': {'returning_orders': 'count_if(customer_order_number > 1)'},
    },
    {
        'shape': 'sums', 'from': 'first_sales', 'day': 'ordered_on',
        'terms': {'first_selling_sellers': 'count(*)'},
    },
    {
        'shape': 'distinct', 'from': 'leads', 'day': 'created_on', 'entity': 'person_key', 'dimensions': by_campaign,
        'terms': {'leads': 'true', 'converted_leads': 'is_converted', 'qualified_leads': 'is_qualified'},
    },
]) }},

shown as (
    select
        {{ kpi_keys() }},

        -- advertising
        ad_impressions,
        ad_clicks,
        ad_spend,
        ad_spend_x1000,
        {{ ratio('ad_spend_x1000', 'ad_impressions') }} as cpm,
        {{ ratio('ad_spend', 'ad_clicks') }} as cpc,
        {{ ratio('ad_clicks', 'ad_impressions') }} as ctr,

        -- orders that a paid channel brought
        order_ad_spend,
        order_ad_clicks,
        paid_channel_valid_orders,
        {{ ratio('order_ad_spend', 'paid_channel_valid_orders') }} as cpa,
        {{ ratio('paid_channel_valid_orders', 'order_ad_clicks') }} as click_conversion_rate,
        paid_channel_gmv_net,
        {{ ratio('paid_channel_gmv_net', 'order_ad_spend') }} as roas,
        paid_channel_margin,
        paid_channel_margin - order_ad_spend as paid_channel_margin_after_ads,
        {{ ratio('paid_channel_margin - order_ad_spend', 'order_ad_spend') }} as marketing_roi,

        -- new buyers and sellers, and what they cost
        new_buyers,
        acquisition_cost,
        {{ ratio('acquisition_cost', 'new_buyers') }} as cac_blended,
        paid_channel_new_buyers,
        {{ ratio('acquisition_cost', 'paid_channel_new_buyers') }} as cac_paid,
        seller_ad_spend,
        first_selling_sellers,
        {{ ratio('seller_ad_spend', 'first_selling_sellers') }} as seller_cac,
        retention_ad_spend,
        returning_orders,
        {{ ratio('retention_ad_spend', 'returning_orders') }} as repeat_order_cost,

        -- leads
        leads,
        qualified_leads,
        lead_ad_spend,
        {{ ratio('lead_ad_spend', 'qualified_leads') }} as cpl,
        converted_leads,
        {{ ratio('converted_leads', 'leads') }} as lead_conversion_rate
    from terms
),

{{ kpi_without_gaps('acquisition') }}
