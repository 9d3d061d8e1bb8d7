-- as_of and the last 26 Sundays before it
with span as (
    select * from {{ ref('int_span') }}
),

weeks as (
    select given.weeks_back
    from (
        values {% for weeks_back in range(26) %}({{ weeks_back }}){{ ', ' if not loop.last }}{% endfor %}
    ) as given (weeks_back)
)

select
    as_of as evaluated_on,
    true as is_as_of
from span
union all
select
    {{ add_days(period_start('week', 'span.as_of'), '-1 - 7 * weeks.weeks_back') }} as evaluated_on,
    false as is_as_of
from span
cross join weeks
