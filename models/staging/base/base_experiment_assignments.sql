select
    experiment,
    visitor_id,
    variant,
    assigned_at,
    {{ judgement('experiment_assignments') }}
from {{ delivered('experiment_assignments') }}
