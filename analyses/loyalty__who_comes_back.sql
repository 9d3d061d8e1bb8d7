-- Buyers of which channels come back within 90 days?
-- First orders of the four latest mature quarters together: the rate is the sum of the buyers who came back over the sum
-- of the new buyers. Below 20 new buyers a rate says little and is left out.
with quarters as (
    select
        marts.dimension_value,
        marts.new_buyers,
        marts.repeat_buyers_90d,
        dense_rank() over (order by marts.period_start desc) as age
    from {{ ref('kpi_loyalty') }} as marts
    inner join {{ ref('kpi_values') }} as kpi_values
        on marts.period_grain = kpi_values.period_grain
        and marts.period_start = kpi_values.period_start
        and marts.dimension = kpi_values.dimension
        and marts.dimension_value = kpi_values.dimension_value
    where
        kpi_values.kpi_id = 'repeat_purchase_rate_90d'
        and marts.period_grain = 'quarter'
        and marts.dimension = 'channel'
        and kpi_values.is_mature
        and not kpi_values.is_partial
)

select
    dimension_value as channel_of_first_order,
    sum(new_buyers) as new_buyers,
    sum(repeat_buyers_90d) as came_back_in_90_days,
    round({{ ratio('sum(repeat_buyers_90d)', 'sum(new_buyers)') }}, 3) as repeat_rate
from quarters
where age <= 4
group by dimension_value
having sum(new_buyers) >= 20
order by repeat_rate desc, channel_of_first_order
