select
    experiment,
    variant,
    is_control,
    expected_share,
    started_at,
    ended_at,
    kpi_id
from {{ ref('base_experiments') }}
where _fault is null and _is_latest
