{# How a delivered field becomes a value of the contract on each engine: by its written form, never by a bare cast, which
   takes `1.5` as 2 in a whole number, drops the offset of a time and accepts the year 20226. #}

{# The value in the contract's type, null when its form is wrong. `kind` is what the file holds (ops/land.py): text,
   whole, float, decimal(p,s), boolean, date, time, instant (a time with a zone), uuid or other. #}
{% macro parse_value(type, kind, field) -%}
    {%- if kind == 'text' -%}
        {{ parse_text(type, field) }}
    {%- elif kind == 'other' -%}
        cast(null as {{ type }})
    {%- elif type == 'string' and kind == 'float' -%}
        case
            when {{ field }} = floor({{ field }}) and abs({{ field }}) < 1e15 then cast(cast({{ field }} as bigint) as string)
            else cast({{ field }} as string)
        end
    {%- elif type == 'string' -%}
        cast({{ field }} as string)
    {%- elif type == 'bigint' and kind == 'whole' -%}
        case when {{ field }} between -999999999999999 and 999999999999999 then cast({{ field }} as bigint) end
    {%- elif type == 'bigint' and (kind == 'float' or kind.startswith('decimal')) -%}
        case when {{ field }} = floor({{ field }}) and abs({{ field }}) < 1e15 then cast({{ field }} as bigint) end
    {%- elif type == 'timestamp' and kind in ('time', 'instant', 'date') -%}
        {{ moment_of(kind, field) }}
    {%- elif type == 'date' and kind in ('time', 'instant') -%}
        {%- set moment = moment_of(kind, field) -%}
        case when {{ moment }} = date_trunc('day', {{ moment }}) then cast({{ moment }} as date) end
    {%- elif type == kind -%}
        {{ field }}
    {%- elif type.startswith('decimal') and is_money(type) and kind.startswith('decimal') -%}
        case when try_cast({{ field }} as {{ type }}) = {{ field }} then try_cast({{ field }} as {{ type }}) end
    {%- elif type.startswith('decimal') and (kind == 'whole' or kind.startswith('decimal') or (kind == 'float' and not is_money(type))) -%}
        try_cast({{ field }} as {{ type }})
    {%- else -%}
        {{ parse_text(type, 'cast(' ~ field ~ ' as string)') }}
    {%- endif -%}
{%- endmacro %}

{% macro parse_text(type, field) -%}
    {%- set day = '[0-9]{4}-[0-9]{2}-[0-9]{2}' -%}
    {%- set moment = day ~ '([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?)?' -%}
    {%- if type == 'string' -%}
        {{ field }}
    {%- elif type == 'bigint' -%}
        case when {{ has_form(field, '-?[0-9]{1,15}') }} then cast({{ field }} as bigint) end
    {%- elif type == 'boolean' -%}
        case {{ field }} when 'true' then true when 'false' then false end
    {%- elif type == 'date' -%}
        case when {{ has_form(field, day) }} then try_cast({{ field }} as date) end
    {%- elif type == 'timestamp' -%}
        case
            when {{ has_form(field, moment ~ 'Z?') }} then try_cast(replace({{ field }}, 'Z', '') as timestamp)
            when {{ has_form(field, moment ~ '[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?') }} then {{ utc_of_offset(field) }}
        end
    {%- else -%}
        {%- set digits = (type.split('(')[1].split(',')[0] | int) - decimals_of(type) -%}
        {%- set decimals = '{1,' ~ decimals_of(type) ~ '}' if is_money(type) else '+' -%}
        case
            when {{ has_form(field, '-?[0-9]{1,' ~ digits ~ '}([.][0-9]' ~ decimals ~ ')?') }} then try_cast({{ field }} as {{ type }})
        end
    {%- endif -%}
{%- endmacro %}


{# A time or date of Parquet as a timestamp. What lies beyond DuckDB's timestamps becomes one that the contract refuses;
   nanoseconds in a zone have no cast of their own. #}
{% macro moment_of(kind, field) %}
    {{- return(adapter.dispatch('moment_of', 'marketplace_kpis')(kind, field)) -}}
{% endmacro %}

{% macro duckdb__moment_of(kind, field) -%}
    {%- set instant = 'try_cast(' ~ field ~ ' as timestamptz)' if kind == 'instant' else field -%}
    coalesce(try_cast({{ instant }} as timestamp), case when {{ field }} is not null then timestamp '9999-12-31' end)
{%- endmacro %}

{% macro spark__moment_of(kind, field) -%}
    cast({{ field }} as timestamp)
{%- endmacro %}


{# A written time with its offset as a UTC timestamp, null where there is no such time. #}
{% macro utc_of_offset(text) %}
    {{- return(adapter.dispatch('utc_of_offset', 'marketplace_kpis')(text)) -}}
{% endmacro %}

{% macro duckdb__utc_of_offset(text) -%}
    cast(timezone('UTC', try_cast({{ text }} as timestamptz)) as timestamp)
{%- endmacro %}

{% macro spark__utc_of_offset(text) -%}
    try_cast({{ text }} as timestamp)
{%- endmacro %}


{# True where a whole text has a form, given as a regular expression. #}
{% macro has_form(text, pattern) %}
    {{- return(adapter.dispatch('has_form', 'marketplace_kpis')(text, pattern)) -}}
{% endmacro %}

{% macro duckdb__has_form(text, pattern) -%}
    regexp_full_match({{ text }}, '{{ pattern }}')
{%- endmacro %}

{# Without \z a line break at the end would pass. #}
{% macro spark__has_form(text, pattern) -%}
    {{ text }} rlike '^(?:{{ pattern }})\\z'
{%- endmacro %}


{# The keyed hash that stands for a personal value: 64 hexadecimal digits, null for null. #}
{% macro keyed_hash(text) %}
    {{- return(adapter.dispatch('keyed_hash', 'marketplace_kpis')(text)) -}}
{% endmacro %}

{% macro duckdb__keyed_hash(text) -%}
    sha256('{{ pii_key() | replace("'", "''") }}' || nullif({{ text }}, ''))
{%- endmacro %}

{% macro spark__keyed_hash(text) -%}
    sha2('{{ pii_key() | replace("\\", "\\\\") | replace("'", "\\'") }}' || nullif({{ text }}, ''), 256)
{%- endmacro %}


{# One delivered row as a JSON object: pairs of (name, SQL expression). #}
{% macro row_as_json(pairs) %}
    {{- return(adapter.dispatch('row_as_json', 'marketplace_kpis')(pairs)) -}}
{% endmacro %}

{% macro duckdb__row_as_json(pairs) -%}
    cast(json_object({% for name, expression in pairs %}'{{ name }}', {{ expression }}{{ ', ' if not loop.last }}{% endfor %}) as varchar)
{%- endmacro %}

{% macro spark__row_as_json(pairs) -%}
    to_json(
        named_struct({% for name, expression in pairs %}'{{ name }}', {{ expression }}{{ ', ' if not loop.last }}{% endfor %}),
        map('ignoreNullFields', 'false')
    )
{%- endmacro %}


{# A local time of a zone (IANA name) as a UTC timestamp, null for null. #}
{% macro utc_of_local(timestamp, zone) %}
    {{- return(adapter.dispatch('utc_of_local', 'marketplace_kpis')(timestamp, zone)) -}}
{% endmacro %}

{% macro duckdb__utc_of_local(timestamp, zone) -%}
    timezone('UTC', timezone('{{ zone }}', cast({{ timestamp }} as timestamp)))
{%- endmacro %}

{# Of a time that comes twice, when clocks go back an hour, Spark names the first and DuckDB the second. #}
{% macro spark__utc_of_local(timestamp, zone) -%}
    {%- set local = 'cast(' ~ timestamp ~ ' as timestamp)' -%}
    {%- set first = "to_utc_timestamp(" ~ local ~ ", '" ~ zone ~ "')" -%}
    case
        when from_utc_timestamp({{ first }} + interval 1 hour, '{{ zone }}') = {{ local }} then {{ first }} + interval 1 hour
        else {{ first }}
    end
{%- endmacro %}
