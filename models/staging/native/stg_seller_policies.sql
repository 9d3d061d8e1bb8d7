select
    policy,
    kpi_id,
    operator,
    alert_value,
    limit_value,
    window_days,
    min_volume
from {{ ref('base_seller_policies') }}
where _fault is null and _is_latest
