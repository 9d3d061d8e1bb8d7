select
    experiment,
    visitor_id,
    variant,
    assigned_at
from {{ ref('base_experiment_assignments') }}
where _fault is null and _is_latest
