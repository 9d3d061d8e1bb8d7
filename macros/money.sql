{# Money in the reporting currency: amount x rate, exact (a missing amount counts as 0). #}
{% macro reported(amount, rate) -%}
    cast(coalesce({{ amount }}, 0) * {{ rate }} as decimal(38, 16))
{%- endmacro %}


{# The rate of an amount's own currency and day to the reporting currency, given its joined row of
   int_exchange_rates. A missing rate stops the build and names currency and day. #}
{% macro exchange_rate(currency, day, rates) -%}
    case
        when {{ currency }} = '{{ setting("reporting_currency") }}' then 1
        when {{ rates }}.exchange_rate is not null then {{ rates }}.exchange_rate
        when {{ currency }} is not null and {{ day }} is not null
            then {{ stop_with("'No exchange rate for ' || " ~ currency ~ " || ' on ' || cast(" ~ day ~ " as varchar(10)) || ' or the 7 days before'") }}
    end
{%- endmacro %}
