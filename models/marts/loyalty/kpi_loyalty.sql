with valid_orders as (
    select * from {{ ref('fct_orders') }}
    where is_valid
),

ad_spend as (
    select * from {{ ref('fct_ad_spend') }}
    where is_acquisition
),

buyers as (
    select distinct
        customer_id,
        customer_country,
        customer_region,
        customer_type,
        first_order_channel
    from valid_orders
),

-- a buyer's 365 days with one seller, begun again by each valid order
pairs as (
    select
        days.customer_id as entity,
        buyers.customer_country,
        buyers.customer_region,
        buyers.customer_type,
        buyers.first_order_channel,
        days.ordered_on as starts,
        least(
            lead(days.ordered_on) over (partition by days.customer_id, days.seller_id order by days.ordered_on),
            {{ add_days('days.ordered_on', 365) }}
        ) as ends
    from (
        select distinct customer_id, seller_id, ordered_on from {{ ref('fct_seller_orders') }}
        where is_valid
    ) as days
    inner join buyers on days.customer_id = buyers.customer_id
),

buyers_of_two_sellers as (
    {{ overlaps('pairs', ['customer_country', 'customer_region', 'customer_type', 'first_order_channel'], at_least=2) }}
),

{%- set of_buyer = {
    'country': 'customer_country', 'region': 'customer_region', 'customer_type': 'customer_type',
    'channel': 'first_order_channel',
} -%}
{%- set of_order = {
    'country': 'country', 'region': 'region', 'customer_type': 'customer_type', 'channel': 'first_order_channel',
} -%}

{{ kpi_terms([
    {
        'name': 'buyers_of_period',
        'shape': 'distinct', 'from': 'valid_orders', 'day': 'ordered_on', 'entity': 'customer_id', 'dimensions': of_buyer,
        'terms': {'period_buyers': 'true'},
    },
    {
        'shape': 'sums', 'from': 'valid_orders', 'day': 'ordered_on', 'dimensions': of_buyer,
        'terms': {
            'returning_buyers': returning_buyer_in_period(),
            'retained_buyers': retained_buyer_in_period(),
            'new_buyers': 'count_if(customer_order_number = 1)',
            'repeat_buyers_90d': 'count_if(customer_order_number = 1 and next_valid_order_on <= ' ~ add_days('ordered_on', 90) ~ ')',
        },
    },
    {
        'shape': 'sums', 'from': 'valid_orders', 'day': 'ordered_on', 'dimensions': of_order,
        'terms': {'valid_orders': 'count(*)', 'returning_orders': 'count_if(customer_order_number > 1)'},
    },
    {
        'shape': 'rolling', 'from': 'valid_orders', 'dimensions': of_buyer,
        'terms': {
            'active_buyers': ['ordered_on', 'least(next_valid_order_on, ' ~ add_days('ordered_on', 365) ~ ')'],
            'buyers_180_to_359_days_ago': [
                add_days('ordered_on', 180),
                'least(' ~ add_days('next_valid_order_on', 180) ~ ', ' ~ add_days('ordered_on', 360) ~ ')',
            ],
            'churned_buyers_180d': [
                add_days('ordered_on', 180),
                'least(next_valid_order_on, ' ~ add_days('ordered_on', 360) ~ ')',
            ],
        },
    },
    {
        'shape': 'previous', 'from': 'buyers_of_period', 'dimensions': of_buyer,
        'terms': {'previous_period_buyers': 'period_buyers'},
    },
    {
        'shape': 'rolling', 'from': 'buyers_of_two_sellers', 'dimensions': of_buyer,
        'terms': {'buyers_of_two_sellers': ['starts', 'ends']},
    },
    {
        'shape': 'sums', 'from': 'valid_orders', 'day': 'first_valid_order_on', 'dimensions': of_buyer,
        'terms': {
            'margin_12m': 'sum(case when ordered_on <= ' ~ add_days('first_valid_order_on', 364) ~ ' then valid_margin else 0 end)',
        },
        'money': ['margin_12m'],
    },
    {
        'shape': 'sums', 'from': 'ad_spend', 'day': 'spent_on',
        'terms': {'acquisition_cost': 'sum(cost)'}, 'money': ['acquisition_cost'],
    },
]) }},

shown as (
    select
        {{ kpi_keys() }},

        -- buyers
        active_buyers,
        period_buyers,
        returning_buyers,
        {{ ratio('returning_buyers', 'period_buyers') }} as returning_buyer_share,
        valid_orders,
        returning_orders,
        {{ ratio('returning_orders', 'valid_orders') }} as returning_order_share,
        retained_buyers,
        previous_period_buyers,
        {{ ratio('retained_buyers', 'previous_period_buyers') }} as retention_rate,
        churned_buyers_180d,
        buyers_180_to_359_days_ago,
        {{ ratio('churned_buyers_180d', 'buyers_180_to_359_days_ago') }} as churn_rate_180d,
        buyers_of_two_sellers,
        {{ ratio('buyers_of_two_sellers', 'active_buyers') }} as second_seller_rate,

        -- first orders and what followed
        new_buyers,
        repeat_buyers_90d,
        {{ ratio('repeat_buyers_90d', 'new_buyers') }} as repeat_purchase_rate_90d,

        -- value, in the reporting currency
        margin_12m,
        {{ ratio('margin_12m', 'new_buyers') }} as ltv_12m,
        acquisition_cost,
        {{ ratio('acquisition_cost', 'new_buyers') }} as cac_blended,
        {{ ratio(ratio('margin_12m', 'new_buyers'), ratio('acquisition_cost', 'new_buyers')) }} as ltv_cac_ratio
    from terms
),

{{ kpi_without_gaps('loyalty') }}
