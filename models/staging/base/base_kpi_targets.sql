select
    kpi_id,
    period_grain,
    dimension,
    dimension_value,
    valid_from,
    valid_to,
    target,
    target_low,
    target_high,
    warn,
    alert,
    min_volume,
    set_by,
    reason,
    {{ judgement('kpi_targets') }}
from {{ delivered('kpi_targets') }}
