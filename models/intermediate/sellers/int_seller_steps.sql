-- Where each seller stands at the end of as_of, from what was decided about it.
with seller_events as (
    select
        events.*,
        row_number() over (partition by events.seller_id order by events.occurred_at, events.event_id) as event_no
    from {{ ref('fct_seller_events') }} as events
),

-- for each event the last suspension and the last reinstatement before it
followed as (
    select
        *,
        max(case when status = 'suspended' then event_no end) over so_far as suspended_no,
        max(case when status = 'reinstated' then event_no end) over so_far as reinstated_no
    from seller_events
    window so_far as (partition by seller_id order by event_no rows between unbounded preceding and 1 preceding)
),

-- a reinstatement is a step where it lifts a suspension
judged as (
    select
        *,
        status in ('warned', 'suspended')
        or (status = 'reinstated' and suspended_no is not null and suspended_no > coalesce(reinstated_no, 0)) as is_step,
        status not in ('vacation_started', 'vacation_ended') as is_of_state
    from followed
),

numbered as (
    select
        *,
        max(case when is_step then event_no end) over whole as last_step_no,
        max(case when is_step and status = 'reinstated' then event_no end) over whole as last_lifted_no,
        max(case when is_of_state then event_no end) over whole as last_state_no,
        max(case when status in ('suspended', 'reinstated') then event_no end) over whole as last_standing_no
    from judged
    window whole as (partition by seller_id)
)

select
    numbered.seller_id,
    max(case when numbered.event_no = numbered.last_state_no then numbered.status end) as state,
    max(case when numbered.event_no = numbered.last_step_no then numbered.status end) as last_step,
    max(case when numbered.event_no = numbered.last_step_no then numbered.occurred_on end) as last_step_on,
    count(
        case
            when
                numbered.status = 'warned'
                and numbered.event_no > coalesce(numbered.last_lifted_no, 0)
                and numbered.occurred_on > {{ add_days('span.as_of', -365) }}
                then 1
        end
    ) as warnings,
    count(case when numbered.status = 'action_plan' and numbered.event_no > numbered.last_step_no then 1 end) > 0 as has_plan_since,
    -- suspended, and not reinstated since, whatever came after
    coalesce(
        max(case when numbered.event_no = numbered.last_standing_no then numbered.status end) = 'suspended', false
    ) as is_suspension_open
from numbered
cross join {{ ref('int_span') }} as span
group by numbered.seller_id
