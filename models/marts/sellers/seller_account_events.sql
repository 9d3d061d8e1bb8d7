with seller_events as (
    select
        *,
        lag(status) over (partition by seller_id order by occurred_at, event_id) as previous_status,
        -- the last Sunday before the event's day
        {{ add_days(period_start('week', 'occurred_on'), -1) }} as evaluated_on
    from {{ ref('fct_seller_events') }}
),

evaluations as (
    select * from {{ ref('int_seller_evaluations') }}
    where not is_since_step
)

select
    -- ids
    seller_events.event_id,
    seller_events.seller_id,

    -- times
    seller_events.occurred_at,
    seller_events.occurred_on,

    -- what was decided, and on what grounds
    seller_events.status,
    seller_events.previous_status,
    seller_events.policy,
    seller_events.reason,
    seller_events.kpi_id,
    coalesce(seller_events.evidence, {{ policy_evidence('evaluations') }}) as evidence,

    -- numerics
    cast({{ days_from('seller_events.occurred_on', 'span.as_of') }} as bigint) as days_since
from seller_events
cross join {{ ref('int_span') }} as span
left join evaluations
    on seller_events.seller_id = evaluations.seller_id
    and seller_events.kpi_id = evaluations.kpi_id
    and seller_events.evaluated_on = evaluations.evaluated_on
