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

-- when the first order that counts was both placed and paid
paid as (
    select min(greatest(ordered_at, paid_at)) as first_paid_at
    from {{ ref('stg_orders') }}
    where not coalesce(is_test, false) and paid_at is not null
),

days as (
    select
        {{ business_day('first_at') }} as span_start,
        {% if setting('as_of') -%}
            cast('{{ setting("as_of") }}' as date) as as_of
        {%- else -%}
            least({{ business_day('last_at') }}, {{ business_day(run_began_at()) }}) as as_of
        {%- endif %}
    from bounds
),

ended as (
    select
        span_start,
        as_of,
        {{ day_begins_at(add_days('as_of', 1)) }} as as_of_end
    from days
)

select
    ended.span_start,
    ended.as_of,
    case
        when paid.first_paid_at < ended.as_of_end then ended.as_of_end
        else {{ stop_with("'No order is paid by ' || coalesce(cast(ended.as_of as " ~ dbt.type_string() ~ "), 'today') || ': no row of orders that is no test has an ordered_at and a paid_at up to then, so there is nothing to measure'") }}
    end as as_of_end
from ended
cross join paid
