with events as (
    select * from {{ ref('stg_events') }}
),

span as (
    select * from {{ ref('int_span') }}
),

test_orders as (
    select order_id from {{ ref('stg_orders') }}
    where is_test
),

human as (
    select events.*
    from events
    cross join span
    left join test_orders on events.order_id = test_orders.order_id
    where
        not coalesce(events.is_bot, false)
        and events.occurred_at < span.as_of_end
        and test_orders.order_id is null
),

-- where the session id is missing, events of a visitor less than 30 minutes apart are one session
gaps as (
    select
        event_id,
        visitor_id,
        occurred_at,
        case
            when {{ seconds_between('lag(occurred_at) over visitor_events', 'occurred_at') }} < 1800 then 0
            else 1
        end as begins
    from human
    where session_id is null
    window visitor_events as (partition by visitor_id order by occurred_at, event_id)
),

derived as (
    select
        event_id,
        sum(begins) over (
            partition by visitor_id
            order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as session_number
    from gaps
)

select
    human.event_id,
    human.occurred_at,
    human.event_name,
    human.visitor_id,
    human.session_id,
    case
        when human.session_id is not null then concat(human.visitor_id, '|', human.session_id)
        else concat(human.visitor_id, '||', cast(derived.session_number as {{ dbt.type_string() }}))
    end as session_key,
    human.customer_id,
    human.cart_id,
    human.order_id,
    human.product_id,
    human.seller_id,
    human.page_type,
    human.search_results,
    human.feature,
    human.load_ms,
    human.source,
    human.medium,
    human.campaign_id,
    human.device,
    human.country,
    human.region
from human
left join derived on human.event_id = derived.event_id
