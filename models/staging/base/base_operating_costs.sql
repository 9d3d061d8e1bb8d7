select
    cost_id,
    cost_date,
    kind,
    amount,
    currency,
    {{ judgement('operating_costs') }}
from {{ delivered('operating_costs') }}
