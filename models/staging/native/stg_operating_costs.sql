select
    cost_id,
    cost_date,
    kind,
    amount,
    currency
from {{ ref('base_operating_costs') }}
where _fault is null and _is_latest
