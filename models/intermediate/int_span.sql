with orders as (
    select ordered_at as happened_at from {{ ref('stg_orders') }}
    where not coalesce(is_test, false)
),

events as (
    select occurred_at as happened_at from {{ ref('stg_events') }}
    where not coalesce(is_bot, false)
),

bounds as (
    select
        min(happened_at) as first_at,
        max(happened_at) as last_at
    from (select * from orders union all select * from events) as happened
),

days as (
    select
        {{ business_day('first_at') }} as span_start,
        {% if setting('as_of') -%}
            cast('{{ setting("as_of") }}' as date) as as_of
        {%- else -%}
            least({{ business_day('last_at') }}, {{ business_day("cast('" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S') ~ "' as timestamp)") }}) as as_of
        {%- endif %}
    from bounds
)

select
    span_start,
    as_of,
    {{ day_begins_at(add_days('as_of', 1)) }} as as_of_end
from days
