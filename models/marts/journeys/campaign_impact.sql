{#- The windows compared, by what moves them: whole weeks that clear the campaign, or a year of 364 days. -#}
{%- set windows = {
    'during': '0', 'before': '-weeks', 'after': 'weeks', 'year_during': '-364', 'year_before': '-364 - weeks',
} -%}

with span as (
    select * from {{ ref('int_span') }}
),

spend as (
    select
        ad_spend.campaign_id,
        min(ad_spend.spent_on) as first_day,
        max(ad_spend.spent_on) as last_day,
        sum(ad_spend.cost) as spend
    from {{ ref('fct_ad_spend') }} as ad_spend
    inner join span on ad_spend.spent_on between span.span_start and span.as_of
    where ad_spend.is_for_buyers
    group by ad_spend.campaign_id
),

campaigns as (
    select
        *,
        cast(7 * ceil(({{ days_from('first_day', 'last_day') }} + 1) / 7.0) as integer) as weeks
    from spend
),

orders as (
    select
        ordered_on,
        campaign_id,
        line_value
    from {{ ref('fct_orders') }}
    where is_paid
),

-- orders up to a day: those of a window are a difference of two days, null where one of them is outside the span
orders_of_days as (
    select
        ordered_on,
        count(*) as orders
    from orders
    group by ordered_on
),

days as (
    select
        dates.date_day,
        coalesce(orders_of_days.orders, 0) as orders,
        sum(coalesce(orders_of_days.orders, 0)) over (order by dates.date_day rows unbounded preceding) as orders_to_day
    from {{ ref('dim_date') }} as dates
    left join orders_of_days on dates.date_day = orders_of_days.ordered_on
),

windows as (
    {% for window, move in windows.items() -%}
        select
            campaign_id,
            '{{ window }}' as of_window,
            {{ add_days('first_day', move) }} as first_day,
            {{ add_days('last_day', move) }} as last_day
        from campaigns
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

market as (
    select
        windows.campaign_id,
        {% for window in windows -%}
            max(
                case
                    when windows.of_window = '{{ window }}'
                        then last_days.orders_to_day - first_days.orders_to_day + first_days.orders
                end
            ) as orders_{{ window }}{{ ',' if not loop.last }}
        {% endfor %}
    from windows
    inner join days as first_days on windows.first_day = first_days.date_day
    inner join days as last_days on windows.last_day = last_days.date_day
    group by windows.campaign_id
),

-- without events on each of its days nobody knows what a campaign brought
days_without_events as (
    select distinct campaigns.campaign_id
    from campaigns
    inner join {{ ref('int_feed_days') }} as feed_days
        on feed_days.feed = 'events.occurred_at'
        and feed_days.date_day between campaigns.first_day and campaigns.last_day
    where not feed_days.is_covered
),

visits as (
    select
        campaigns.campaign_id,
        count(*) as sessions
    from campaigns
    inner join {{ ref('fct_sessions') }} as sessions
        on campaigns.campaign_id = sessions.campaign_id
        and sessions.started_on between campaigns.first_day and campaigns.last_day
    group by campaigns.campaign_id
),

sales as (
    select
        campaigns.campaign_id,
        count(*) as orders,
        sum(orders.line_value) as gmv
    from campaigns
    inner join orders
        on campaigns.campaign_id = orders.campaign_id
        and orders.ordered_on between campaigns.first_day and campaigns.last_day
    group by campaigns.campaign_id
),

tie as (
    select is_present from {{ ref('int_inputs') }}
    where need = '{{ tie_of_visitors_to_buyers() }}'
),

concurrent as (
    select
        campaigns.campaign_id,
        {{ dbt.listagg('others.campaign_id', "', '", 'order by others.campaign_id') }} as overlapping
    from campaigns
    inner join campaigns as others
        on campaigns.campaign_id <> others.campaign_id
        and campaigns.first_day <= others.last_day
        and others.first_day <= campaigns.last_day
    group by campaigns.campaign_id
)

select
    campaigns.campaign_id,
    campaigns.first_day,
    campaigns.last_day,
    cast(campaigns.spend as decimal(38, 16)) as spend,
    cast(case when days_without_events.campaign_id is null then coalesce(visits.sessions, 0) end as bigint) as sessions,
    cast(
        case when days_without_events.campaign_id is null and tie.is_present then coalesce(sales.orders, 0) end
        as bigint
    ) as orders,
    cast(
        case when days_without_events.campaign_id is null and tie.is_present then coalesce(sales.gmv, 0) end
        as decimal(38, 16)
    ) as gmv,
    cast(market.orders_during as bigint) as market_orders,
    cast(market.orders_before as bigint) as market_orders_before,
    cast(market.orders_after as bigint) as market_orders_after,
    {{ ratio('market.orders_during', 'market.orders_before') }} as market_change,
    {{ ratio(
        ratio('market.orders_during', 'market.orders_before'),
        ratio('market.orders_year_during', 'market.orders_year_before')
    ) }} as market_change_adjusted,
    concurrent.overlapping
from campaigns
cross join tie
left join market on campaigns.campaign_id = market.campaign_id
left join days_without_events on campaigns.campaign_id = days_without_events.campaign_id
left join visits on campaigns.campaign_id = visits.campaign_id
left join sales on campaigns.campaign_id = sales.campaign_id
left join concurrent on campaigns.campaign_id = concurrent.campaign_id
