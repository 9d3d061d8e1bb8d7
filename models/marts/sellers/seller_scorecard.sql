select
    -- ids
    seller_id,
    evaluated_on,
    kpi_id,
    policy,

    -- what was measured
    volume,
    numerator,
    denominator,
    value,

    -- what it is held against
    operator,
    alert_value,
    limit_value,
    status,
    headroom,
    projected_breach,
    wilson_low,
    wilson_high,
    is_certain
from {{ ref('int_seller_evaluations') }}
where not is_since_step
