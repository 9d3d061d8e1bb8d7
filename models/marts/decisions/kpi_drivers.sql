with terms as (
    select
        pairs.kpi_id,
        pairs.period_grain,
        pairs.period_start,
        pairs.compared_with,
        pairs.is_ratio,
        terms.dimension,
        terms.dimension_value,
        terms.numerator_after,
        terms.numerator_before,
        terms.denominator_after,
        terms.denominator_before,
        case
            when pairs.is_ratio then {{ ratio('terms.numerator_after', 'terms.denominator_after') }} else terms.numerator_after
        end as value_after,
        case
            when pairs.is_ratio then {{ ratio('terms.numerator_before', 'terms.denominator_before') }} else terms.numerator_before
        end as value_before,
        case
            when pairs.is_ratio then {{ ratio('terms.denominator_after', 'pairs.all_denominator_after') }}
            else {{ ratio('terms.numerator_after', 'pairs.all_numerator_after') }}
        end as weight_after,
        case
            when pairs.is_ratio then {{ ratio('terms.denominator_before', 'pairs.all_denominator_before') }}
            else {{ ratio('terms.numerator_before', 'pairs.all_numerator_before') }}
        end as weight_before,
        pairs.all_denominator_after,
        pairs.all_denominator_before,
        (pairs.all_value_before + pairs.all_value_after) / 2 as all_mean
    from {{ ref('int_driver_terms') }} as terms
    inner join {{ ref('int_driver_pairs') }} as pairs
        on terms.kpi_id = pairs.kpi_id
        and terms.period_grain = pairs.period_grain
        and terms.compared_with = pairs.compared_with
),

contributions as (
    select
        *,
        case
            when is_ratio
                then
                    {{ ratio('numerator_after', 'all_denominator_after') }} - {{ ratio('numerator_before', 'all_denominator_before') }}
                    - all_mean * (weight_after - weight_before)
            else numerator_after - numerator_before
        end as contribution,
        -- a segment without a denominator in one period has the rate of the other
        case
            when is_ratio
                then coalesce(
                    ((coalesce(value_before, value_after) + coalesce(value_after, value_before)) / 2 - all_mean)
                    * (weight_after - weight_before),
                    0
                )
        end as mix_effect
    from terms
)

select
    kpi_id,
    period_grain,
    period_start,
    compared_with,
    dimension,
    dimension_value,
    value_before,
    value_after,
    weight_before,
    weight_after,
    contribution - mix_effect as rate_effect,
    mix_effect,
    contribution,
    row_number() over (
        partition by kpi_id, period_grain, compared_with, dimension
        order by abs(contribution) desc, dimension_value
    ) as contribution_rank
from contributions
