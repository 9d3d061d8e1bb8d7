with calendar as (
    select * from {{ ref('int_calendar_days') }}
),

country as (
    {% if setting('calendar_country') -%}
        select '{{ setting("calendar_country") | upper }}' as country
    {%- else -%}
        select country
        from (
            select
                country,
                row_number() over (order by count(*) desc, country) as place
            from {{ ref('fct_orders') }}
            where is_paid and country is not null and country <> 'unknown'
            group by country
        ) as countries
        where place = 1
    {%- endif %}
),

days as (
    select
        calendar.date_day,
        calendar.kind,
        calendar.name,
        {{ days_from("cast('2001-01-01' as date)", 'calendar.date_day') }} as day_number
    from calendar
    inner join country on calendar.country = country.country
),

-- days in a row have the same distance from their place in the order
rows_of_days as (
    select
        *,
        day_number - row_number() over (partition by kind, name order by day_number) as row_of_days
    from days
),

counted as (
    select
        *,
        count(*) over (partition by kind, name, row_of_days) as days_in_a_row
    from rows_of_days
)

select
    date_day,
    {{ dbt.listagg('name', "', '", 'order by name') }} as name
from (
    select distinct
        date_day,
        name
    from counted
    where
        kind in ('public_holiday', 'incident')
        or (kind = 'sales_season' and days_in_a_row <= 7)
) as special
group by date_day
