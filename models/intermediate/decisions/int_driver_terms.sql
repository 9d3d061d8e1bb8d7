with pairs as (
    select * from {{ ref('int_driver_pairs') }}
),

parts as (
    {% for side, start in [('after', 'period_start'), ('before', 'other_start')] -%}
        select
            pairs.kpi_id,
            pairs.period_grain,
            pairs.compared_with,
            '{{ side }}' as side,
            parts.dimension,
            parts.dimension_value,
            parts.numerator,
            parts.denominator
        from {{ ref('kpi_values') }} as parts
        inner join pairs
            on parts.kpi_id = pairs.kpi_id
            and parts.period_grain = pairs.period_grain
            and parts.period_start = pairs.{{ start }}
        where parts.dimension <> 'all' and parts.period_grain in ('week', 'month', 'quarter')
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- one row for both periods; who is in neither has none
terms as (
    select
        kpi_id,
        period_grain,
        compared_with,
        dimension,
        dimension_value,
        {% for side in ['after', 'before'] -%}
            coalesce(max(case when side = '{{ side }}' then numerator end), 0) as numerator_{{ side }},
            coalesce(max(case when side = '{{ side }}' then denominator end), 0) as denominator_{{ side }}{{ ',' if not loop.last }}
        {% endfor %}
    from parts
    group by kpi_id, period_grain, compared_with, dimension, dimension_value
),

sums as (
    select
        kpi_id,
        period_grain,
        compared_with,
        dimension,
        {% for term in ['numerator_after', 'denominator_after', 'numerator_before', 'denominator_before'] -%}
            {{ exact_sum(term) }} as {{ term }}{{ ',' if not loop.last }}
        {% endfor %}
    from terms
    group by kpi_id, period_grain, compared_with, dimension
),

-- an order of two categories counts in each: such a dimension does not divide the whole
adding_up as (
    select
        sums.kpi_id,
        sums.period_grain,
        sums.compared_with,
        sums.dimension
    from sums
    inner join pairs
        on sums.kpi_id = pairs.kpi_id
        and sums.period_grain = pairs.period_grain
        and sums.compared_with = pairs.compared_with
    where
        {% for side in ['after', 'before'] -%}
            abs(sums.numerator_{{ side }} - pairs.all_numerator_{{ side }}) <= 1e-9 * greatest(1, abs(pairs.all_numerator_{{ side }}))
            and (
                not pairs.is_ratio
                or abs(sums.denominator_{{ side }} - pairs.all_denominator_{{ side }}) <= 1e-9 * greatest(1, abs(pairs.all_denominator_{{ side }}))
            )
            {{ 'and' if not loop.last }}
        {% endfor %}
)

select terms.*
from terms
inner join adding_up
    on terms.kpi_id = adding_up.kpi_id
    and terms.period_grain = adding_up.period_grain
    and terms.compared_with = adding_up.compared_with
    and terms.dimension = adding_up.dimension
