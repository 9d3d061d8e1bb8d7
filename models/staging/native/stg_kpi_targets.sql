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
    reason
from {{ ref('base_kpi_targets') }}
where _fault is null and _is_latest
