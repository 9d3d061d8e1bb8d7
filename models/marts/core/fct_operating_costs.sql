with costs as (
    select * from {{ ref('stg_operating_costs') }}
),

{{ converted('costs', day='cost_date') }}

select
    -- ids
    cost_id,

    -- attributes
    kind,
    currency,

    -- times
    cost_date as cost_on,

    -- money
    cast(amount as decimal(18, 4)) as amount_original,
    {{ reported('amount', 'exchange_rate') }} as amount
from converted
