-- At which step do visitors leave, and where has it become worse?
-- The latest final month by device, step by step. `biggest_loss` marks the step from the cart on whose share fell most.
select
    period_start as month,
    dimension_value as device,
    step,
    sessions,
    lost,
    round(share_of_previous, 3) as share_of_step_before,
    round(share_of_previous_before, 3) as same_a_month_before,
    biggest_loss
from {{ ref('funnel_steps') }}
where
    period_grain = 'month'
    and dimension = 'device'
    and period_start = (select kpi.last_month from {{ ref('dim_kpi') }} as kpi where kpi.kpi_id = 'sessions')
order by device, step_no
