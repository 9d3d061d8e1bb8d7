with variants as (
    select * from {{ ref('int_experiment_variants') }}
),

visitors as (
    select * from {{ ref('int_experiment_visitors') }}
),

counted as (
    select
        experiment,
        variant,
        count(*) as visitors,
        count_if(is_converted) as converted_visitors,
        sum(orders) as orders,
        sum(orders_with_cancelled_line) as orders_with_cancelled_line,
        sum(gmv) as gmv
    from visitors
    where is_counted
    group by experiment, variant
),

-- squares about the mean, added up as exact numbers: the same in whatever order the rows come
spread as (
    select
        visitors.experiment,
        visitors.variant,
        sum(
            cast(power(cast(visitors.gmv as double) - {{ ratio('counted.gmv', 'counted.visitors') }}, 2) as decimal(38, 12))
        ) as gmv_squares
    from visitors
    inner join counted
        on visitors.experiment = counted.experiment
        and visitors.variant = counted.variant
    where visitors.is_counted
    group by visitors.experiment, visitors.variant
),

left_out as (
    select
        experiment,
        count_if(is_in_two_variants) as visitors_in_two_variants,
        count_if(is_bot and not is_in_two_variants) as bot_visitors
    from visitors
    group by experiment
),

expected as (
    select
        variants.experiment,
        variants.variant,
        coalesce(counted.visitors, 0) as visitors,
        variants.expected_share
        * sum(coalesce(counted.visitors, 0)) over of_experiment
        / nullif(sum(variants.expected_share) over of_experiment, 0) as expected_visitors
    from variants
    left join counted on variants.experiment = counted.experiment and variants.variant = counted.variant
    window of_experiment as (partition by variants.experiment)
),

-- chi-square of the split: a visitor in a variant that expects none is as far from the plan as can be
split as (
    select
        experiment,
        sum(
            case
                when expected_visitors > 0 then power(visitors - expected_visitors, 2) / expected_visitors
                when visitors > 0 then 1e9
            end
        ) as distance,
        count_if(expected_visitors > 0) - 1 as degrees
    from expected
    group by experiment
)

select
    variants.experiment,
    variants.variant,
    variants.control,
    variants.kpi_id,
    variants.is_running,
    cast(coalesce(counted.visitors, 0) as double) as visitors,
    cast(coalesce(counted.converted_visitors, 0) as double) as converted_visitors,
    coalesce(counted.orders, 0) as orders,
    coalesce(counted.orders_with_cancelled_line, 0) as orders_with_cancelled_line,
    {{ ratio('counted.converted_visitors', 'counted.visitors') }} as conversion,
    {{ ratio('counted.gmv', 'counted.visitors') }} as gmv_per_visitor,
    case when counted.visitors >= 2 then {{ ratio('spread.gmv_squares', '(counted.visitors - 1)') }} end as gmv_variance,
    coalesce(left_out.visitors_in_two_variants, 0) as visitors_in_two_variants,
    coalesce(left_out.bot_visitors, 0) as bot_visitors,
    case when split.degrees > 0 then {{ chi_square_p('split.distance', 'split.degrees') }} end as srm_p_value
from variants
left join counted on variants.experiment = counted.experiment and variants.variant = counted.variant
left join spread on variants.experiment = spread.experiment and variants.variant = spread.variant
left join left_out on variants.experiment = left_out.experiment
left join split on variants.experiment = split.experiment
