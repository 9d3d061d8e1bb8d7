select
    kpi_id,
    period_grain,
    dimension,
    dimension_value,
    valid_from,
    valid_to,
    cast(target as double) as target,
    cast(target_low as double) as target_low,
    cast(target_high as double) as target_high,
    cast(warn as double) as warn,
    cast(alert as double) as alert,
    min_volume,
    set_by,
    reason
from {{ ref('stg_kpi_targets') }}
