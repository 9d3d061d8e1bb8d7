{# How a delivered field becomes a value of the contract on each engine: by its written form, never by a bare cast, which
   takes `1.5` as 2 in a whole number, drops the offset of a time and accepts the year 20226. #}

{# The value in the contract's type, null when its form is wrong. `kind` is what the file holds (ops/land.py): text,
   whole, float, decimal(p,s), boolean, date, time, instant (a time with a zone), uuid or other. #}
{% macro parse_value(type, kind, field) %}
    {{- return(adapter.dispatch('parse_value', 'marketplace_kpis')(type, kind, field)) -}}
{% endmacro %}

{% macro duckdb__parse_value(type, kind, field) -%}
    {%- if kind == 'text' -%}
        {{ duckdb__parse_text(type, field) }}
    {%- elif kind == 'other' -%}
        cast(null as {{ type }})
    {%- elif type == 'string' and kind == 'float' -%}
        case
            when {{ field }} = trunc({{ field }}) and abs({{ field }}) < 1e15 then cast(cast({{ field }} as bigint) as varchar)
            else cast({{ field }} as varchar)
        end
    {%- elif type == 'string' -%}
        cast({{ field }} as varchar)
    {%- elif type == 'bigint' and kind == 'whole' -%}
        case when {{ field }} between -999999999999999 and 999999999999999 then cast({{ field }} as bigint) end
    {%- elif type == 'bigint' and (kind == 'float' or kind.startswith('decimal')) -%}
        case when {{ field }} = trunc({{ field }}) and abs({{ field }}) < 1e15 then cast({{ field }} as bigint) end
    {%- elif type == 'timestamp' and kind in ('time', 'instant', 'date') -%}
        {{ duckdb__moment(kind, field) }}
    {%- elif type == 'date' and kind in ('time', 'instant') -%}
        {%- set moment = duckdb__moment(kind, field) -%}
        case when {{ moment }} = date_trunc('day', {{ moment }}) then cast({{ moment }} as date) end
    {%- elif type == kind -%}
        {{ field }}
    {%- elif type.startswith('decimal') and is_money(type) and kind.startswith('decimal') -%}
        case when try_cast({{ field }} as {{ type }}) = {{ field }} then try_cast({{ field }} as {{ type }}) end
    {%- elif type.startswith('decimal') and (kind == 'whole' or kind.startswith('decimal') or (kind == 'float' and not is_money(type))) -%}
        try_cast({{ field }} as {{ type }})
    {%- else -%}
        {{ duckdb__parse_text(type, 'cast(' ~ field ~ ' as varchar)') }}
    {%- endif -%}
{%- endmacro %}

{# A time or date of Parquet as a timestamp. What lies beyond DuckDB's timestamps becomes one that the contract refuses;
   nanoseconds in a zone have no cast of their own. #}
{% macro duckdb__moment(kind, field) -%}
    {%- set instant = 'try_cast(' ~ field ~ ' as timestamptz)' if kind == 'instant' else field -%}
    coalesce(try_cast({{ instant }} as timestamp), case when {{ field }} is not null then timestamp '9999-12-31' end)
{%- endmacro %}

{% macro duckdb__parse_text(type, field) -%}
    {%- set day = '[0-9]{4}-[0-9]{2}-[0-9]{2}' -%}
    {%- set moment = day ~ '([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?)?' -%}
    {%- if type == 'string' -%}
        {{ field }}
    {%- elif type == 'bigint' -%}
        case when regexp_full_match({{ field }}, '-?[0-9]{1,15}') then cast({{ field }} as bigint) end
    {%- elif type == 'boolean' -%}
        case {{ field }} when 'true' then true when 'false' then false end
    {%- elif type == 'date' -%}
        case when regexp_full_match({{ field }}, '{{ day }}') then try_cast({{ field }} as date) end
    {%- elif type == 'timestamp' -%}
        case
            when regexp_full_match({{ field }}, '{{ moment }}Z?') then try_cast(rtrim({{ field }}, 'Z') as timestamp)
            when regexp_full_match({{ field }}, '{{ moment }}[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?')
                then cast(timezone('UTC', try_cast({{ field }} as timestamptz)) as timestamp)
        end
    {%- else -%}
        {%- set digits = (type.split('(')[1].split(',')[0] | int) - decimals_of(type) -%}
        {%- set decimals = '{1,' ~ decimals_of(type) ~ '}' if is_money(type) else '+' -%}
        case
            when regexp_full_match({{ field }}, '-?[0-9]{1,{{ digits }}}([.][0-9]{{ decimals }})?')
                then try_cast({{ field }} as {{ type }})
        end
    {%- endif -%}
{%- endmacro %}


{# True where a whole text has a form, given as a regular expression. #}
{% macro has_form(text, pattern) %}
    {{- return(adapter.dispatch('has_form', 'marketplace_kpis')(text, pattern)) -}}
{% endmacro %}

{% macro duckdb__has_form(text, pattern) -%}
    regexp_full_match({{ text }}, '{{ pattern }}')
{%- endmacro %}


{# The keyed hash that stands for a personal value: 64 hexadecimal digits, null for null. #}
{% macro keyed_hash(text) %}
    {{- return(adapter.dispatch('keyed_hash', 'marketplace_kpis')(text)) -}}
{% endmacro %}

{% macro duckdb__keyed_hash(text) -%}
    sha256('{{ pii_key() | replace("'", "''") }}' || nullif({{ text }}, ''))
{%- endmacro %}


{# One delivered row as a JSON object: pairs of (name, SQL expression). #}
{% macro row_as_json(pairs) %}
    {{- return(adapter.dispatch('row_as_json', 'marketplace_kpis')(pairs)) -}}
{% endmacro %}

{% macro duckdb__row_as_json(pairs) -%}
    cast(json_object({% for name, expression in pairs %}'{{ name }}', {{ expression }}{{ ', ' if not loop.last }}{% endfor %}) as varchar)
{%- endmacro %}


{# A local time of a zone (IANA name) as a UTC timestamp, null for null. #}
{% macro utc_of_local(timestamp, zone) %}
    {{- return(adapter.dispatch('utc_of_local', 'marketplace_kpis')(timestamp, zone)) -}}
{% endmacro %}

{% macro duckdb__utc_of_local(timestamp, zone) -%}
    timezone('UTC', timezone('{{ zone }}', cast({{ timestamp }} as timestamp)))
{%- endmacro %}

{% macro spark__utc_of_local(timestamp, zone) -%}
    to_utc_timestamp(cast({{ timestamp }} as timestamp), '{{ zone }}')
{%- endmacro %}
