{# Words that the tables after the KPIs share. #}

{# The sum of doubles, the same in whatever order they come: added as decimals of twelve places. #}
{% macro exact_sum(expression) -%}
    cast(sum(cast({{ expression }} as decimal(38, 12))) as double)
{%- endmacro %}


{# The first day of the period that a period (period_grain, period_start) is compared with: the one before (`previous`) or a year
   before (`previous_year`: a week 364 days back, others the same calendar period of last year). #}
{% macro other_period_start(compared_with, periods) -%}
    {%- if compared_with == 'previous' -%}
        {{ period_before(periods) }}
    {%- else -%}
        case
            when {{ periods }}.period_grain in ('day', 'week') then {{ add_days(periods ~ '.period_start', -364) }}
            else cast({{ dbt.dateadd('year', -1, periods ~ '.period_start') }} as date)
        end
    {%- endif -%}
{%- endmacro %}


{# Whether a change is for the better by the KPI's direction; missing where it is 0, or the direction says nothing. What differs in
   the last digits of a double is the same. #}
{% macro is_better(change, direction) -%}
    case
        when round({{ change }}, 9) = 0 then null
        when {{ direction }} = 'up' then {{ change }} > 0
        when {{ direction }} = 'down' then {{ change }} < 0
    end
{%- endmacro %}


{# How far a value lies outside a band; 0 inside. #}
{% macro distance_outside(value, low, high) -%}
    case
        when {{ value }} < {{ low }} then {{ low }} - {{ value }}
        when {{ value }} > {{ high }} then {{ value }} - {{ high }}
        when {{ value }} is not null and {{ low }} is not null and {{ high }} is not null then cast(0 as double)
    end
{%- endmacro %}


{# A value as a person would write it, by the format of its KPI: rounded half away from zero, `,` between thousands. #}
{% macro value_as_text(value, format) -%}
    {%- set exact = 'cast(' ~ value ~ ' as decimal(38, 12))' -%}
    case
        when {{ value }} is null then null
        when {{ format }} = '0.0%' then concat({{ written_number('100 * ' ~ exact, 1) }}, '%')
        when {{ format }} = '0.00%' then concat({{ written_number('100 * ' ~ exact, 2) }}, '%')
        when {{ format }} in ('#,##0.00', '0.00') then {{ written_number(exact, 2) }}
        when {{ format }} = '0.0' then {{ written_number(exact, 1) }}
        else {{ written_number(exact, 0) }}
    end
{%- endmacro %}


{# A decimal that is there, as text with a number of places. #}
{% macro written_number(number, places) -%}
    {%- set rounded = 'abs(round(' ~ number ~ ', ' ~ places ~ '))' -%}
    concat(
        case when {{ number }} < 0 and {{ rounded }} > 0 then '-' else '' end,
        {{ with_thousands('cast(floor(' ~ rounded ~ ') as bigint)') }}
        {%- if places > 0 %},
        '.',
        lpad(cast(cast(({{ rounded }} - floor({{ rounded }})) * {{ 10 ** places }} as bigint) as {{ dbt.type_string() }}), {{ places }}, '0')
        {%- endif %}
    )
{%- endmacro %}


{# Joins what first_days_value needs: the terms over the first days of the period that `pairs` compares a row with, of its segment
   and of the whole, from a CTE first_days (int_first_days). #}
{% macro join_first_days(shown, pairs) -%}
    {%- for alias in ['first_days', 'first_days_of_all'] -%}
        left join first_days{{ ' as first_days_of_all' if alias == 'first_days_of_all' }}
            on {{ shown }}.kpi_id = {{ alias }}.kpi_id
            and {{ shown }}.period_grain = {{ alias }}.period_grain
            and {{ shown }}.period_start = {{ alias }}.period_start
            and {{ pairs }}.compared_with = {{ alias }}.compared_with
            {% if alias == 'first_days' -%}
            and {{ shown }}.dimension = first_days.dimension
            and {{ shown }}.dimension_value = first_days.dimension_value
            {%- else -%}
            and first_days_of_all.dimension = 'all'
            {%- endif %}
    {% endfor %}
{%- endmacro %}


{# A KPI's value over those first days. A count or sum without a row is 0 where the whole has one; sellers and campaigns have no
   days. #}
{% macro first_days_value(shown, kpi) -%}
    case
        when first_days_of_all.kpi_id is null or {{ shown }}.dimension in ('seller', 'campaign') then null
        when {{ kpi }}.denominator is null then coalesce(first_days.numerator, 0)
        else {{ ratio('first_days.numerator', 'first_days.denominator') }}
    end
{%- endmacro %}
