with span as (
    select * from {{ ref('int_span') }}
),

days as (
    {{ every_day('span_start', 'as_of', 'span') }}
)

select
    date_day,
    {{ period_start('week', 'date_day') }} as week_start,
    {{ period_start('month', 'date_day') }} as month_start,
    {{ period_start('quarter', 'date_day') }} as quarter_start,
    {{ period_start('year', 'date_day') }} as year_start,
    {{ iso_weekday('date_day') }} as iso_weekday
from days
