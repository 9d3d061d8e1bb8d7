{# Counts a buyer of the period once when an earlier valid order exists: at the first order in the period when that is not the
   first ever, else at the second ever when it falls in the same period. Adds up over days (see kpi_terms, {grain}). #}
{% macro returning_buyer_in_period() -%}
    count_if(
        (
            customer_order_number > 1
            and date_trunc('{grain}', previous_valid_order_on) < date_trunc('{grain}', ordered_on)
        )
        or (
            customer_order_number = 2
            and date_trunc('{grain}', previous_valid_order_on) = date_trunc('{grain}', ordered_on)
        )
    )
{%- endmacro %}


{# Counts a buyer of the period once when the period before has a valid order too: at the first order in the period. #}
{% macro retained_buyer_in_period() -%}
    count_if(
        date_trunc('{grain}', previous_valid_order_on)
        = date_trunc('{grain}', {{ add_days("cast(date_trunc('{grain}', ordered_on) as date)", -1) }})
    )
{%- endmacro %}
