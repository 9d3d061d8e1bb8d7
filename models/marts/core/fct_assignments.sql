with assignments as (
    select * from {{ ref('stg_experiment_assignments') }}
),

span as (
    select * from {{ ref('int_span') }}
)

select
    -- ids
    assignments.experiment,
    assignments.visitor_id,

    -- attributes
    assignments.variant,

    -- times
    assignments.assigned_at
from assignments
cross join span
where assignments.assigned_at < span.as_of_end
