with variants as (
    select * from {{ ref('int_experiment_variants') }}
),

events as (
    select
        events.visitor_id,
        coalesce(events.is_bot, false) as is_bot
    from {{ ref('stg_events') }} as events
    cross join {{ ref('int_span') }} as span
    where events.occurred_at < span.as_of_end
),

-- few have events of bots: of these alone the others are looked for
with_bots as (
    select distinct visitor_id from events
    where is_bot
),

bots as (
    select with_bots.visitor_id
    from with_bots
    inner join events on with_bots.visitor_id = events.visitor_id
    group by with_bots.visitor_id
    having count_if(not events.is_bot) = 0
),

assigned as (
    select
        assignments.experiment,
        assignments.visitor_id,
        min(assignments.variant) as variant,
        min(assignments.variant) <> max(assignments.variant) as is_in_two_variants,
        min(assignments.assigned_at) as assigned_at,
        min(variants.end_at) as end_at
    from {{ ref('fct_assignments') }} as assignments
    inner join variants
        on assignments.experiment = variants.experiment
        and assignments.variant = variants.variant
        and assignments.assigned_at < variants.end_at
    group by assignments.experiment, assignments.visitor_id
),

purchases as (
    select
        assigned.experiment,
        assigned.visitor_id,
        purchases.order_id
    from assigned
    inner join {{ ref('fct_purchases') }} as purchases
        on assigned.visitor_id = purchases.visitor_id
        and purchases.purchased_at >= assigned.assigned_at
        and purchases.purchased_at < assigned.end_at
),

buying as (
    select distinct
        experiment,
        visitor_id
    from purchases
),

-- the paid orders that a visitor's purchases name, each once
bought as (
    select
        named.experiment,
        named.visitor_id,
        count(*) as orders,
        count_if(orders.has_cancelled_line) as orders_with_cancelled_line,
        sum(orders.line_value) as gmv
    from (select distinct experiment, visitor_id, order_id from purchases) as named
    inner join {{ ref('fct_orders') }} as orders on named.order_id = orders.order_id
    where orders.is_paid
    group by named.experiment, named.visitor_id
)

select
    assigned.experiment,
    assigned.visitor_id,
    assigned.variant,
    assigned.assigned_at,
    assigned.is_in_two_variants,
    bots.visitor_id is not null as is_bot,
    not assigned.is_in_two_variants and bots.visitor_id is null as is_counted,
    buying.visitor_id is not null as is_converted,
    coalesce(bought.orders, 0) as orders,
    coalesce(bought.orders_with_cancelled_line, 0) as orders_with_cancelled_line,
    coalesce(bought.gmv, 0) as gmv
from assigned
left join bots on assigned.visitor_id = bots.visitor_id
left join buying on assigned.experiment = buying.experiment and assigned.visitor_id = buying.visitor_id
left join bought on assigned.experiment = bought.experiment and assigned.visitor_id = bought.visitor_id
