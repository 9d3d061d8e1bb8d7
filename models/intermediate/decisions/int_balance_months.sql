with finals as (
    select
        period_start,
        row_number() over (order by period_start) as month_no
    from {{ ref('int_kpi_periods') }}
    where kpi_id = 'buyer_seller_ratio' and period_grain = 'month' and is_final
)

select
    finals.period_start,
    finals.month_no,
    measured.dimension,
    measured.dimension_value,
    measured.value as buyer_seller_ratio,
    measured.denominator as active_sellers,
    coalesce(targets.min_volume, 5) as min_sellers,
    targets.target_low,
    targets.target_high
from finals
inner join {{ ref('kpi_values') }} as measured
    on finals.period_start = measured.period_start
    and measured.kpi_id = 'buyer_seller_ratio'
    and measured.period_grain = 'month'
    and measured.dimension in ('all', 'category')
left join {{ ref('kpi_targets') }} as targets
    on measured.kpi_id = targets.kpi_id
    and measured.period_grain = targets.period_grain
    and measured.dimension = targets.dimension
    and measured.dimension_value = targets.dimension_value
    and measured.period_start >= targets.valid_from
    and (targets.valid_to is null or measured.period_start <= targets.valid_to)
