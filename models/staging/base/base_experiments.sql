select
    experiment,
    variant,
    is_control,
    expected_share,
    started_at,
    ended_at,
    kpi_id,
    {{ judgement('experiments') }}
from {{ delivered('experiments') }}
