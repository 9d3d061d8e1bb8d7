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
    status,
    {{ judgement('action_log') }}
from {{ delivered('action_log') }}
