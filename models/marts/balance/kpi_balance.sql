with orders as (
    select * from {{ ref('fct_orders') }}
    where is_valid
),

order_categories as (
    select * from {{ ref('fct_order_categories') }}
    where is_valid
),

seller_orders as (
    select * from {{ ref('fct_seller_orders') }}
    where is_valid
),

seller_order_categories as (
    select * from {{ ref('fct_seller_order_categories') }}
),

sellers as (
    select * from {{ ref('dim_seller') }}
),

-- days with a valid order, each with the next one, so that windows of several days can be merged
buyer_days as (
    select
        customer_id,
        customer_country,
        customer_region,
        ordered_on,
        next_valid_order_on as next_on
    from orders
),

buyer_category_days as (
    select
        category,
        ordered_on,
        lead(ordered_on) over (partition by customer_id, category order by ordered_on) as next_on
    from (select distinct customer_id, category, ordered_on from order_categories) as days
),

seller_days as (
    select
        days.seller_id,
        sellers.country,
        sellers.region,
        days.ordered_on,
        lead(days.ordered_on) over (partition by days.seller_id order by days.ordered_on) as next_on
    from (select distinct seller_id, ordered_on from seller_orders) as days
    left join sellers on days.seller_id = sellers.seller_id
),

seller_category_days as (
    select
        category,
        ordered_on,
        lead(ordered_on) over (partition by seller_id, category order by ordered_on) as next_on
    from (select distinct seller_id, category, ordered_on from seller_order_categories where is_valid) as days
),

-- what each seller sold in a period, in all and by category
seller_sales as (
    {% for grain in var('kpi_grains') -%}
        select
            '{{ grain }}' as period_grain,
            period_start,
            case when category is null then 'all' else 'category' end as dimension,
            coalesce(category, 'all') as dimension_value,
            seller_id,
            sum(net_value) as gmv_net
        from (
            select
                {{ period_start(grain, 'ordered_on') }} as period_start,
                coalesce(category, 'unknown') as category,
                seller_id,
                net_value
            from seller_order_categories
        ) as dated
        group by grouping sets ((period_start, seller_id), (period_start, category, seller_id))
        {{ 'union all' if not loop.last }}
    {% endfor -%}
),

concentration as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        sum(gmv_net) as gmv_net,
        sum(case when seller_rank <= 10 then gmv_net else 0 end) as top10_gmv_net,
        10000 * sum(cast(gmv_net as double) * cast(gmv_net as double)) as squared_seller_gmv_net_x10000,
        cast(sum(gmv_net) as double) * cast(sum(gmv_net) as double) as gmv_net_squared
    from (
        select
            *,
            row_number() over (
                partition by period_grain, period_start, dimension, dimension_value
                order by gmv_net desc, seller_id
            ) as seller_rank
        from seller_sales
    ) as ranked
    group by period_grain, period_start, dimension, dimension_value
),

{%- set within_30_days = ['ordered_on', 'least(next_on, ' ~ add_days('ordered_on', 30) ~ ')'] -%}

{{ kpi_terms([
    {
        'shape': 'rolling', 'from': 'seller_days', 'dimensions': {'country': 'country', 'region': 'region'},
        'terms': {'active_sellers': within_30_days},
    },
    {
        'shape': 'rolling', 'from': 'seller_category_days', 'is_cut': true, 'dimensions': {'category': 'category'},
        'terms': {'active_sellers': within_30_days},
    },
    {
        'shape': 'rolling', 'from': 'buyer_days', 'dimensions': {'country': 'customer_country', 'region': 'customer_region'},
        'terms': {'active_buyers_30d': within_30_days},
    },
    {
        'shape': 'rolling', 'from': 'buyer_category_days', 'is_cut': true, 'dimensions': {'category': 'category'},
        'terms': {'active_buyers_30d': within_30_days},
    },
    {
        'shape': 'given', 'from': 'concentration', 'dimensions': {'category': 'category'},
        'terms': {
            'gmv_net': 'gmv_net', 'top10_gmv_net': 'top10_gmv_net',
            'squared_seller_gmv_net_x10000': 'squared_seller_gmv_net_x10000', 'gmv_net_squared': 'gmv_net_squared',
        },
        'money': ['gmv_net', 'top10_gmv_net'], 'number': ['squared_seller_gmv_net_x10000', 'gmv_net_squared'],
    },
]) }}

select
    {{ kpi_keys() }},

    -- both sides
    active_sellers,
    active_buyers_30d,
    {{ ratio('active_buyers_30d', 'active_sellers') }} as buyer_seller_ratio,

    -- concentration of sellers
    top10_gmv_net,
    gmv_net,
    {{ ratio('top10_gmv_net', 'gmv_net') }} as top10_seller_share,
    squared_seller_gmv_net_x10000,
    gmv_net_squared,
    {{ ratio('squared_seller_gmv_net_x10000', 'gmv_net_squared') }} as seller_concentration_hhi
from terms
