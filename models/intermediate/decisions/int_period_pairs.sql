with periods as (
    select * from {{ ref('int_periods') }}
    where period_grain <> 'day'
),

compared as (
    {% for compared_with in ['previous', 'previous_year'] -%}
        select
            periods.*,
            '{{ compared_with }}' as compared_with,
            {{ other_period_start(compared_with, 'periods') }} as other_start
        from periods
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    compared.period_grain,
    compared.period_start,
    compared.period_end,
    compared.is_partial,
    compared.compared_with,
    others.period_start as other_start,
    others.period_end as other_end,
    others.period_start >= compared.span_start as other_in_span,
    case
        when compared.is_partial
            then least(
                {{ add_days('others.period_start', days_from('compared.period_start', 'compared.as_of')) }},
                others.period_end
            )
    end as other_first_days_end
from compared
inner join periods as others
    on compared.period_grain = others.period_grain
    and compared.other_start = others.period_start
