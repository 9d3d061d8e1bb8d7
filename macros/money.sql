{# Money in the reporting currency: amount x rate, exact (a missing amount counts as 0). What is in that currency already is
   not multiplied: cutting a product to its places is the dearest thing that facts do. #}
{% macro reported(amount, rate) -%}
    case
        when {{ rate }} = 1 then cast(coalesce({{ amount }}, 0) as decimal(38, 16))
        else cast(coalesce({{ amount }}, 0) * {{ rate }} as decimal(38, 16))
    end
{%- endmacro %}


{# The rate of an amount's own currency and day to the reporting currency, given its joined row of
   int_exchange_rates. A missing rate stops the build and names currency and day. #}
{% macro exchange_rate(currency, day, rates) -%}
    case
        when {{ currency }} = '{{ setting("reporting_currency") }}' then 1
        when {{ rates }}.exchange_rate is not null then {{ rates }}.exchange_rate
        when {{ currency }} is not null and {{ day }} is not null
            then {{ stop_with("'No exchange rate for ' || " ~ currency ~ " || ' on ' || cast(" ~ day ~ " as " ~ dbt.type_string() ~ ") || ' or the 7 days before'") }}
    end
{%- endmacro %}


{#
The CTEs of a fact in money: `converted`, the rows of a CTE that happened by the end of as_of, each with its exchange_rate
(null where there is none). `day` names the date it happened on; with `at` it is made from that time.
#}
{% macro converted(relation, day, at=none) %}
rates as (
    select * from {{ ref('int_exchange_rates') }}
),

span as (
    select * from {{ ref('int_span') }}
),

dated as (
    select
        {{ relation }}.*{% if at %},
        {{ business_day(relation ~ '.' ~ at) }} as {{ day }}{% endif %}
    from {{ relation }}
    cross join span
    where {% if at %}{{ relation }}.{{ at }} < span.as_of_end{% else %}{{ relation }}.{{ day }} <= span.as_of{% endif %}
),

converted as (
    select
        dated.*,
        {{ exchange_rate('dated.currency', 'dated.' ~ day, 'rates') }} as exchange_rate
    from dated
    left join rates on dated.currency = rates.currency and dated.{{ day }} = rates.rate_day
)
{% endmacro %}
