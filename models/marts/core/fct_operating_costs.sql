with costs as (
    select * from {{ ref('stg_operating_costs') }}
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
),

span as (
    select * from {{ ref('int_span') }}
),

converted as (
    select
        costs.*,
        {{ exchange_rate('costs.currency', 'costs.cost_date', 'rates') }} as exchange_rate
    from costs
    cross join span
    left join rates on costs.currency = rates.currency and costs.cost_date = rates.rate_day
    where costs.cost_date <= span.as_of
)

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
