{# How delivered text becomes a value on each engine: match the written form first, then cast. A bare cast would take
   `1.5` as 2 in a whole number, drop the offset of a time and accept the year 20226. #}

{# A SQL string literal of any text. #}
{% macro sql_text(text) -%}
    '{{ text | string | replace("'", "''") }}'
{%- endmacro %}


{# A SQL list of string literals. #}
{% macro sql_texts(texts) -%}
    [{% for text in texts %}{{ sql_text(text) }}{{ ', ' if not loop.last }}{% endfor %}]
{%- endmacro %}


{# The rows of a query as a list of dictionaries; lists and structs stay what they are. #}
{% macro query_rows(query) %}
    {{- return(adapter.dispatch('query_rows', 'marketplace_kpis')(query)) -}}
{% endmacro %}

{% macro duckdb__query_rows(query) %}
    {%- set answer = run_query("select cast(to_json(list(found)) as varchar) from (" ~ query ~ ") as found") -%}
    {{- return(fromjson(answer.rows[0][0] or '[]')) -}}
{% endmacro %}


{# The keyed hash that stands for a personal value: 64 hexadecimal digits, null for null. #}
{% macro keyed_hash(text) %}
    {{- return(adapter.dispatch('keyed_hash', 'marketplace_kpis')(text)) -}}
{% endmacro %}

{% macro duckdb__keyed_hash(text) -%}
    sha256({{ sql_text(pii_key()) }} || nullif({{ text }}, ''))
{%- endmacro %}


{# True where a whole text has a form, given as a regular expression. #}
{% macro has_form(text, pattern) %}
    {{- return(adapter.dispatch('has_form', 'marketplace_kpis')(text, pattern)) -}}
{% endmacro %}

{% macro duckdb__has_form(text, pattern) -%}
    regexp_full_match({{ text }}, '{{ pattern }}')
{%- endmacro %}


{# One delivered row as a JSON object: pairs of (name, SQL expression). #}
{% macro row_as_json(pairs) %}
    {{- return(adapter.dispatch('row_as_json', 'marketplace_kpis')(pairs)) -}}
{% endmacro %}

{% macro duckdb__row_as_json(pairs) -%}
    cast(json_object({% for name, expression in pairs %}{{ sql_text(name) }}, {{ expression }}{{ ', ' if not loop.last }}{% endfor %}) as varchar)
{%- endmacro %}


{# The value of a delivered field in the contract's type, null when its written form is wrong.
   `type` is the contract's; `delivered_as` is `text` for CSV, else the type the file or model carries. #}
{% macro parse_value(type, delivered_as, field) %}
    {{- return(adapter.dispatch('parse_value', 'marketplace_kpis')(type, delivered_as, field)) -}}
{% endmacro %}

{% macro duckdb__parse_value(type, delivered_as, field) -%}
    {%- set family = delivered_as.split('(')[0] | lower -%}
    {%- set whole = family in ['tinyint', 'smallint', 'integer', 'bigint', 'hugeint', 'utinyint', 'usmallint', 'uinteger', 'ubigint'] -%}
    {%- if family == 'text' or (type == 'string' and family == 'varchar') -%}
        {{ duckdb__parse_text(type, field) }}
    {%- elif type == 'string' -%}
        cast({{ field }} as varchar)
    {%- elif type == 'timestamp' and family == 'timestamp with time zone' -%}
        cast(timezone('UTC', {{ field }}) as timestamp)
    {%- elif type == 'timestamp' and (family.startswith('timestamp') or family == 'date') -%}
        cast({{ field }} as timestamp)
    {%- elif type == family or (type == 'bigint' and whole) -%}
        try_cast({{ field }} as {{ type }})
    {%- elif type.startswith('decimal') and (
        whole
        or (family == 'decimal' and decimals_of(delivered_as) <= decimals_of(type))
        or (family in ['float', 'double', 'decimal'] and not is_money(type))
    ) -%}
        try_cast({{ field }} as {{ type }})
    {%- elif type == 'bigint' and family in ['float', 'double', 'decimal'] -%}
        {{ duckdb__parse_text(type, "regexp_replace(cast(" ~ field ~ " as varchar), '[.]0+$', '')") }}
    {%- elif type == 'date' and family.startswith('timestamp') -%}
        {{ duckdb__parse_text(type, "regexp_replace(cast(" ~ field ~ " as varchar), ' 00:00:00([+]00)?$', '')") }}
    {%- else -%}
        {{ duckdb__parse_text(type, 'cast(' ~ field ~ ' as varchar)') }}
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__parse_text(type, field) -%}
    {%- set day = '[0-9]{4}-[0-9]{2}-[0-9]{2}' -%}
    {%- set moment = day ~ '([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?)?' -%}
    {%- if type == 'string' -%}
        {{ field }}
    {%- elif type == 'bigint' -%}
        case when regexp_full_match({{ field }}, '-?[0-9]{1,18}') then cast({{ field }} as bigint) end
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


{# Amounts have at most their four decimals. Rates and shares may have any number, and are rounded to those of their type. #}
{% macro is_money(type) -%}
    {{- return(decimals_of(type) <= 4) -}}
{%- endmacro %}


{# Decimal places of a type such as decimal(18,4). #}
{% macro decimals_of(type) -%}
    {{- return(type.split(',')[1] | replace(')', '') | int) -}}
{%- endmacro %}
