-- On which devices are checkouts left, and what would it bring if all were as good as the best?
-- The latest complete quarter. The last column is a bound, not a forecast: devices differ in who uses them.
with devices as (
    select
        period_start,
        dimension_value as device,
        checkout_sessions,
        abandoned_checkout_sessions,
        checkout_abandonment_rate
    from {{ ref('kpi_conversion') }}
    where
        period_grain = 'quarter'
        and dimension = 'device'
        and checkout_sessions >= 20
        and period_start = (
            select max(complete.period_start) from {{ ref('kpi_conversion') }} as complete
            where complete.period_grain = 'quarter' and not complete.is_partial
        )
)

select
    period_start as quarter,
    device,
    checkout_sessions,
    abandoned_checkout_sessions as abandoned,
    round(checkout_abandonment_rate, 3) as abandonment_rate,
    round(
        abandoned_checkout_sessions - checkout_sessions * min(checkout_abandonment_rate) over (), 1
    ) as abandoned_above_the_best
from devices
order by abandoned_above_the_best desc, device
