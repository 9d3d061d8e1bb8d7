with valid_orders as (
    select * from {{ ref('fct_orders') }}
    where is_valid
),

{%- set of_buyer = {'country': 'customer_country', 'region': 'customer_region', 'customer_type': 'customer_type'} -%}

{{ kpi_terms([
    {
        'shape': 'distinct', 'from': 'valid_orders', 'day': 'ordered_on', 'entity': 'customer_id', 'dimensions': of_buyer,
        'terms': {'period_buyers': 'true'},
    },
    {
        'shape': 'sums', 'from': 'valid_orders', 'day': 'ordered_on', 'dimensions': of_buyer,
        'terms': {
            'returning_buyers': returning_buyer_in_period(),
            'new_buyers': 'count_if(customer_order_number = 1)',
            'repeat_buyers_90d': 'count_if(customer_order_number = 1 and next_valid_order_on <= ' ~ add_days('ordered_on', 90) ~ ')',
        },
    },
    {
        'shape': 'rolling', 'from': 'valid_orders', 'dimensions': of_buyer,
        'terms': {'active_buyers': ['ordered_on', 'least(next_valid_order_on, ' ~ add_days('ordered_on', 365) ~ ')']},
    },
]) }}

select
    {{ kpi_keys() }},

    -- buyers
    active_buyers,
    period_buyers,
    returning_buyers,
    {{ ratio('returning_buyers', 'period_buyers') }} as returning_buyer_share,

    -- first orders and what followed
    new_buyers,
    repeat_buyers_90d,
    {{ ratio('repeat_buyers_90d', 'new_buyers') }} as repeat_purchase_rate_90d
from terms
