{%- set length = {'day': "interval 1 day", 'week': "interval 7 day", 'month': "interval 1 month", 'quarter': "interval 3 month", 'year': "interval 1 year"} -%}

with span as (
    select * from {{ ref('int_span') }}
),

days as (
    {{ every_day('span_start', 'as_of', 'span') }}
),

periods as (
    {% for grain in length %}
        select distinct
            '{{ grain }}' as period_grain,
            {{ period_start(grain, 'date_day') }} as period_start,
            {{ add_days('cast(' ~ period_start(grain, 'date_day') ~ ' + ' ~ length[grain] ~ ' as date)', -1) }} as period_end
        from days
        {%- if not loop.last %}
            union all
        {%- endif %}
    {% endfor %}
)

select
    periods.period_grain,
    periods.period_start,
    periods.period_end,
    least(periods.period_end, span.as_of) as last_day,
    span.as_of,
    span.span_start,
    periods.period_end > span.as_of as is_partial
from periods
cross join span
