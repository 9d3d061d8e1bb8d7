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

valid_lines as (
    select * from {{ ref('fct_order_lines') }}
    where is_valid
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
        customer_id,
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
        seller_id,
        category,
        ordered_on,
        lead(ordered_on) over (partition by seller_id, category order by ordered_on) as next_on
    from (select distinct seller_id, category, ordered_on from seller_order_categories where is_valid) as days
),

seller_states as (
    select * from {{ ref('int_seller_states') }}
),

-- the time a seller is registered: from validation, and not while its latest closed or reinstated status is closed
first_states as (
    select
        seller_id,
        min(status_on) as first_status_on
    from seller_states
    group by seller_id
),

registered_sellers as (
    select
        sellers.seller_id,
        sellers.country,
        sellers.region,
        sellers.validated_on as starts,
        coalesce(first_states.first_status_on, {{ far_future() }}) as ends
    from sellers
    left join first_states on sellers.seller_id = first_states.seller_id
    where sellers.validated_on is not null
    union all
    select
        sellers.seller_id,
        sellers.country,
        sellers.region,
        greatest(sellers.validated_on, seller_states.status_on) as starts,
        coalesce(seller_states.next_status_on, {{ far_future() }}) as ends
    from sellers
    inner join seller_states on sellers.seller_id = seller_states.seller_id and seller_states.status = 'reinstated'
    where sellers.validated_on is not null
),

registered_customers as (
    select
        customer_id,
        country,
        region,
        created_on as starts,
        {{ far_future() }} as ends
    from {{ ref('dim_customer') }}
),

new_sellers as (
    select
        seller_id,
        country,
        region,
        validated_on,
        first_valid_sale_on,
        first_sale_after_validation_on <= {{ add_days('validated_on', 60) }} as is_activated_60d,
        -- without a sale yet: longer than any; found again and removed below
        case
            when first_valid_sale_on is null then {{ longer_than_any() }}
            else greatest({{ days_from('validated_on', 'first_valid_sale_on') }}, 0)
        end as days_to_first_sale
    from sellers
    where validated_on is not null
),

offers as (
    select
        offers.offer_id,
        offers.seller_id,
        offers.product_id,
        offers.category,
        sellers.country,
        sellers.region,
        offers.listed_on,
        coalesce(offers.delisted_on, {{ far_future() }}) as delisted_on
    from {{ ref('dim_offer') }} as offers
    left join sellers on offers.seller_id = sellers.seller_id
),

seller_listings as (
    select
        seller_id as entity,
        country,
        region,
        listed_on as starts,
        delisted_on as ends
    from offers
),

seller_category_listings as (
    select
        {{ joined_key('seller_id', "coalesce(category, 'unknown')") }} as entity,
        coalesce(category, 'unknown') as category,
        listed_on as starts,
        delisted_on as ends
    from offers
),

listed_sellers as (
    {{ overlaps('seller_listings', ['country', 'region'], at_least=1) }}
),

listed_seller_categories as (
    {{ overlaps('seller_category_listings', ['category'], at_least=1) }}
),

-- an offer is live in the 30 days to a day from its listing to 29 days after its delisting
live_offers as (
    select
        offer_id,
        category,
        listed_on as starts,
        {{ add_days('delisted_on', 30) }} as ends
    from offers
),

offer_sale_days as (
    select
        offers.offer_id,
        lines.ordered_on
    from offers
    inner join valid_lines as lines on offers.offer_id = lines.offer_id
    union distinct
    select
        offers.offer_id,
        lines.ordered_on
    from offers
    inner join valid_lines as lines
        on lines.offer_id is null
        and offers.seller_id = lines.seller_id
        and offers.product_id = lines.product_id
),

sold_offers as (
    select
        offers.offer_id,
        offers.category,
        greatest(days.ordered_on, offers.listed_on) as starts,
        least(days.next_on, {{ add_days('days.ordered_on', 30) }}, {{ add_days('offers.delisted_on', 30) }}) as ends
    from (
        select
            offer_id,
            ordered_on,
            lead(ordered_on) over (partition by offer_id order by ordered_on) as next_on
        from offer_sale_days
    ) as days
    inner join offers on days.offer_id = offers.offer_id
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

ranked_sellers as (
    select
        *,
        row_number() over (
            partition by period_grain, period_start, dimension, dimension_value
            order by gmv_net desc, seller_id
        ) as seller_rank
    from seller_sales
),

{%- set of_place = {'country': 'country', 'region': 'region'} -%}
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
        'shape': 'rolling', 'from': 'registered_customers', 'dimensions': of_place,
        'terms': {'registered_customers': ['starts', 'ends']},
    },
    {
        'shape': 'rolling', 'from': 'registered_sellers', 'dimensions': of_place,
        'terms': {'registered_sellers': ['starts', 'ends']},
    },
    {
        'shape': 'rolling', 'from': 'listed_sellers', 'dimensions': of_place,
        'terms': {'listed_sellers': ['starts', 'ends']},
    },
    {
        'shape': 'rolling', 'from': 'listed_seller_categories', 'is_cut': true, 'dimensions': {'category': 'category'},
        'terms': {'listed_sellers': ['starts', 'ends']},
    },
    {
        'shape': 'sums', 'from': 'new_sellers', 'day': 'validated_on', 'dimensions': of_place,
        'terms': {'new_sellers': 'count(*)', 'activated_sellers_60d': 'count_if(is_activated_60d)'},
    },
    {
        'shape': 'percentiles', 'from': 'new_sellers', 'day': 'validated_on', 'dimensions': of_place,
        'terms': {'time_to_first_sale_median': ['days_to_first_sale', 0.5]},
    },
    {
        'shape': 'rolling', 'from': 'seller_days', 'dimensions': of_place,
        'terms': {
            'sellers_180_to_359_days_ago': [
                add_days('ordered_on', 180),
                'least(' ~ add_days('next_on', 180) ~ ', ' ~ add_days('ordered_on', 360) ~ ')',
            ],
            'churned_sellers_180d': [
                add_days('ordered_on', 180), 'least(next_on, ' ~ add_days('ordered_on', 360) ~ ')',
            ],
        },
    },
    {
        'shape': 'rolling', 'from': 'live_offers', 'dimensions': {'category': 'category'},
        'terms': {'live_offers_30d': ['starts', 'ends']},
    },
    {
        'shape': 'rolling', 'from': 'sold_offers', 'dimensions': {'category': 'category'},
        'terms': {'sold_offers_30d': ['starts', 'ends']},
    },
    {
        'shape': 'given', 'from': 'ranked_sellers', 'dimensions': {'category': 'category'},
        'terms': {
            'gmv_net': 'sum(gmv_net)',
            'top10_gmv_net': 'sum(case when seller_rank <= 10 then gmv_net else 0 end)',
            'squared_seller_gmv_net_x10000': '10000 * sum(cast(gmv_net as double) * cast(gmv_net as double))',
            'gmv_net_squared': 'cast(sum(gmv_net) as double) * cast(sum(gmv_net) as double)',
        },
        'money': ['gmv_net', 'top10_gmv_net'], 'number': ['squared_seller_gmv_net_x10000', 'gmv_net_squared'],
    },
]) }},

shown as (
    select
        {{ kpi_keys() }},

        -- accounts
        registered_customers,
        registered_sellers,
        listed_sellers,
        new_sellers,
        activated_sellers_60d,
        {{ ratio('activated_sellers_60d', 'new_sellers') }} as seller_activation_rate_60d,
        case when time_to_first_sale_median < {{ longer_than_any() }} / 4 then time_to_first_sale_median end as time_to_first_sale_median,
        time_to_first_sale_median_n,

        -- both sides
        active_sellers,
        active_buyers_30d,
        {{ ratio('active_buyers_30d', 'active_sellers') }} as buyer_seller_ratio,
        churned_sellers_180d,
        sellers_180_to_359_days_ago,
        {{ ratio('churned_sellers_180d', 'sellers_180_to_359_days_ago') }} as seller_churn_rate_180d,
        sold_offers_30d,
        live_offers_30d,
        {{ ratio('sold_offers_30d', 'live_offers_30d') }} as offer_liquidity_rate,

        -- concentration of sellers
        top10_gmv_net,
        gmv_net,
        {{ ratio('top10_gmv_net', 'gmv_net') }} as top10_seller_share,
        squared_seller_gmv_net_x10000,
        gmv_net_squared,
        {{ ratio('squared_seller_gmv_net_x10000', 'gmv_net_squared') }} as seller_concentration_hhi
    from terms
),

{{ kpi_without_gaps('balance') }}
