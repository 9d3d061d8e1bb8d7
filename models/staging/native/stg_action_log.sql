select
    action_id,
    kpi_id,
    dimension,
    dimension_value,
    decided_on,
    starts_on,
    ends_on,
    owner,
    action,
    expected_effect,
    status
from {{ ref('base_action_log') }}
where _fault is null and _is_latest
