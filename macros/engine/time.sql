{# Dates and times where the engines differ. Timestamps in the warehouse are UTC without a zone. #}

{# The business day (date) of a UTC timestamp: cut at local midnight, right over daylight saving. #}
{% macro business_day(timestamp) %}
    {{- return(adapter.dispatch('business_day', 'marketplace_kpis')(timestamp)) -}}
{% endmacro %}

{% macro duckdb__business_day(timestamp) -%}
    cast(timezone('{{ setting("business_timezone") }}', timezone('UTC', {{ timestamp }})) as date)
{%- endmacro %}

{% macro spark__business_day(timestamp) -%}
    to_date(from_utc_timestamp({{ timestamp }}, '{{ setting("business_timezone") }}'))
{%- endmacro %}


{# The UTC timestamp at which a business day (date) begins. #}
{% macro day_begins_at(day) %}
    {{- return(adapter.dispatch('day_begins_at', 'marketplace_kpis')(day)) -}}
{% endmacro %}

{# Where clocks go back at 01:00, midnight comes twice; DuckDB names the second, the day begins with the first. #}
{% macro duckdb__day_begins_at(day) -%}
    {%- set midnight = "timezone('UTC', timezone('" ~ setting('business_timezone') ~ "', cast(" ~ day ~ " as timestamp)))" -%}
    case
        when {{ business_day(midnight ~ " - interval '1 hour'") }} = {{ day }} then {{ midnight }} - interval '1 hour'
        else {{ midnight }}
    end
{%- endmacro %}

{% macro spark__day_begins_at(day) -%}
    to_utc_timestamp(cast({{ day }} as timestamp), '{{ setting("business_timezone") }}')
{%- endmacro %}


{# A date moved by a number of days. #}
{% macro add_days(day, days) %}
    {{- return(adapter.dispatch('add_days', 'marketplace_kpis')(day, days)) -}}
{% endmacro %}

{% macro duckdb__add_days(day, days) -%}
    ({{ day }} + cast({{ days }} as integer))
{%- endmacro %}

{% macro spark__add_days(day, days) -%}
    date_add({{ day }}, cast({{ days }} as int))
{%- endmacro %}


{# Whole days from one date to another (negative when the second comes first). #}
{% macro days_from(first, second) %}
    {{- return(adapter.dispatch('days_from', 'marketplace_kpis')(first, second)) -}}
{% endmacro %}

{% macro default__days_from(first, second) -%}
    {{ dbt.datediff(first, second, 'day') }}
{%- endmacro %}

{# dbt's own form names each argument six times. #}
{% macro spark__days_from(first, second) -%}
    datediff({{ second }}, {{ first }})
{%- endmacro %}


{# Seconds between two timestamps as a double; clocks that disagree (a negative duration) count as 0. #}
{% macro seconds_between(first, second) %}
    {{- return(adapter.dispatch('seconds_between', 'marketplace_kpis')(first, second)) -}}
{% endmacro %}

{% macro duckdb__seconds_between(first, second) -%}
    case
        when {{ second }} < {{ first }} then 0.0
        else cast(epoch_us({{ second }}) - epoch_us({{ first }}) as double) / 1000000.0
    end
{%- endmacro %}

{% macro spark__seconds_between(first, second) -%}
    case
        when {{ second }} < {{ first }} then 0.0D
        else cast(unix_micros({{ second }}) - unix_micros({{ first }}) as double) / 1000000.0D
    end
{%- endmacro %}


{# The same in hours. #}
{% macro hours_between(first, second) -%}
    ({{ seconds_between(first, second) }}) / 3600
{%- endmacro %}


{# The first day of the period (day, week from Monday, month, quarter, year) a date lies in. #}
{% macro period_start(grain, day) -%}
    {%- if grain == 'day' -%} {{ day }} {%- else -%} cast(date_trunc('{{ grain }}', {{ day }}) as date) {%- endif -%}
{%- endmacro %}


{# The same for the grain that a column names. #}
{% macro period_start_of(day, grain='period_grain') -%}
    case {{ grain }}
        {%- for name in ['day', 'week', 'month', 'quarter', 'year'] %}
        when '{{ name }}' then {{ period_start(name, day) }}
        {%- endfor %}
    end
{%- endmacro %}


{# The start of the period before the one a row of int_periods describes. #}
{% macro period_before(periods) -%}
    {{ period_start_of(add_days(periods ~ '.period_start', -1), periods ~ '.period_grain') }}
{%- endmacro %}


{# Every date from first to last, as rows of one column date_day. #}
{% macro every_day(first, last, relation) %}
    {{- return(adapter.dispatch('every_day', 'marketplace_kpis')(first, last, relation)) -}}
{% endmacro %}

{% macro duckdb__every_day(first, last, relation) -%}
    select cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date) as date_day
    from {{ relation }}
    where {{ first }} <= {{ last }}
{%- endmacro %}

{% macro spark__every_day(first, last, relation) -%}
    select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as date_day
    from {{ relation }}
    where {{ first }} <= {{ last }}
{%- endmacro %}


{# The day of the week of a date: 1 for Monday to 7. #}
{% macro iso_weekday(day) %}
    {{- return(adapter.dispatch('iso_weekday', 'marketplace_kpis')(day)) -}}
{% endmacro %}

{% macro duckdb__iso_weekday(day) -%} cast(extract(isodow from {{ day }}) as bigint) {%- endmacro %}

{% macro spark__iso_weekday(day) -%} cast(weekday({{ day }}) + 1 as bigint) {%- endmacro %}
