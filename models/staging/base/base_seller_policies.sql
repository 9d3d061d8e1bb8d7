select
    policy,
    kpi_id,
    operator,
    alert_value,
    limit_value,
    window_days,
    min_volume,
    {{ judgement('seller_policies') }}
from {{ delivered('seller_policies') }}
