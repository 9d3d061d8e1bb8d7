{# The column contract of an extract, as its model's YAML gives it, and the judgement of delivered rows by it. #}

{# The extract a model reads: named in config.meta.extract, else the model's name without its prefix. #}
{% macro extract_name(node) -%}
    {{- return(node.config.meta.get('extract') or node.name.removeprefix('stg_')) -}}
{%- endmacro %}


{# The columns of a model as dictionaries: name, type, source (the delivered column), is_pii, and the rules key,
   required, form, values, min, max, above, may_be_future. A key is always required. #}
{% macro contract_columns(node) %}
    {%- set columns = [] -%}
    {%- for column in node.columns.values() -%}
        {%- set rules = column.config.meta -%}
        {#- While a model runs, dbt gives the engine's name of the type. -#}
        {%- set type = column.data_type | lower -%}
        {%- do columns.append({
            'name': column.name,
            'type': 'string' if type in ['text', 'varchar'] else type,
            'source': rules.get('pii_of', column.name),
            'is_pii': 'pii_of' in rules,
            'key': rules.get('key', false),
            'required': rules.get('required', rules.get('key', false)),
            'form': rules.get('form'),
            'values': rules.get('values'),
            'min': rules.get('min'),
            'max': rules.get('max'),
            'above': rules.get('above'),
            'may_be_future': rules.get('may_be_future', false),
        }) -%}
    {%- endfor -%}
    {{- return(columns) -}}
{% endmacro %}


{# The key that turns personal values into hashes: the variable pii_key, else the environment variable PII_KEY. The
   default is for sample data only; whoever knows the key can find out which address a hash stands for. #}
{% macro pii_key() -%}
    {{- return(setting('pii_key') or default_pii_key()) -}}
{%- endmacro %}

{% macro default_pii_key() -%} {{- return('marketplace-kpis-sample') -}} {%- endmacro %}


{# Rows of one batch with the contract's columns in their types, beside _file_no, _line, _too_late, _unreadable, _raw and
   the delivered fields d_<name>. A value whose written form is wrong is null here and a fault in judged_rows. #}
{% macro typed_rows(batch, columns) -%}
    {%- set delivered = {} -%}
    {%- for column in batch.columns -%}
        {%- do delivered.update({column.name: column.type}) -%}
    {%- endfor -%}
    select
        *
        {%- for column in columns %}
        {%- set field = delivered_name(column.source) %},
        {%- if column.source not in delivered %}
        cast(null as {{ column.type }})
        {%- elif column.is_pii %}
        {{ keyed_hash('cast(' ~ field ~ ' as varchar)') }}
        {%- else %}
        {{ parse_value(column.type, delivered[column.source], field) }}
        {%- endif %} as {{ adapter.quote(column.name) }}
        {%- endfor %}
    from ({{ delivered_rows(batch) }}) as delivered
{%- endmacro %}


{# What can be wrong with a typed row, in the order of judgement: dictionaries with column, reason and the SQL
   condition of the fault. Only columns that were delivered are judged; a missing required one stops the build earlier. #}
{% macro contract_faults(batch, columns, checks) %}
    {%- set delivered = batch.columns | map(attribute='name') | list -%}
    {%- set faults = [] -%}
    {%- for column in columns if column.source in delivered -%}
        {%- set name = column.source -%}
        {%- set field = delivered_name(name) -%}
        {%- set value = adapter.quote(column.name) -%}
        {%- if column.required -%}
            {%- do faults.append({'column': name, 'reason': 'missing', 'when': field ~ ' is null'}) -%}
        {%- endif -%}
        {%- if column.type != 'string' -%}
            {%- do faults.append({
                'column': name, 'reason': 'not ' ~ written_form(column.type), 'when': value ~ ' is null and ' ~ field ~ ' is not null'
            }) -%}
        {%- endif -%}
        {%- if column.type in ['date', 'timestamp'] -%}
            {%- do faults.append({
                'column': name,
                'reason': 'outside the years 1990 to 2100',
                'when': value ~ " < date '1990-01-01' or " ~ value ~ " >= date '2101-01-01'"
            }) -%}
        {%- endif -%}
        {%- if column.type == 'timestamp' and not column.may_be_future -%}
            {%- do faults.append({
                'column': name, 'reason': 'later than the day after its delivery', 'when': value ~ ' >= _too_late'
            }) -%}
        {%- endif -%}
        {%- if column.form -%}
            {%- set form = text_forms()[column.form] -%}
            {%- do faults.append({
                'column': name, 'reason': 'not ' ~ form.words, 'when': 'not ' ~ has_form(value, form.pattern)
            }) -%}
        {%- endif -%}
        {%- if column['values'] -%}
            {%- do faults.append({
                'column': name,
                'reason': 'none of ' ~ column['values'] | join(', '),
                'when': value ~ ' not in (' ~ sql_texts(column['values'])[1:-1] ~ ')'
            }) -%}
        {%- endif -%}
        {%- for rule, operator, words in [('min', '<', 'less than '), ('max', '>', 'more than '), ('above', '<=', 'not above ')] if column[rule] is not none -%}
            {%- do faults.append({
                'column': name, 'reason': words ~ column[rule], 'when': value ~ ' ' ~ operator ~ ' ' ~ column[rule]
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for check in checks -%}
        {%- do faults.append({'column': check.column, 'reason': check.reason, 'when': 'not (' ~ check.holds ~ ')'}) -%}
    {%- endfor -%}
    {{- return(faults) -}}
{% endmacro %}

{# The forms that a text column can be held to (rule `form`): what they are called and their pattern. #}
{% macro text_forms() -%}
    {{- return({'currency': {'words': 'an ISO 4217 code', 'pattern': '[A-Z]{3}'}}) -}}
{%- endmacro %}

{% macro written_form(type) -%}
    {{- return({
        'bigint': 'a whole number',
        'boolean': 'true or false',
        'date': 'a date (YYYY-MM-DD)',
        'timestamp': 'an ISO 8601 time',
    }.get(type) or ('a number with at most ' ~ decimals_of(type) ~ ' decimals' if is_money(type) else 'a number')) -}}
{%- endmacro %}


{# Typed rows with the first fault of each: _column and _reason (null in a good row), and _content, the delivered row as
   JSON with personal values masked (null in a good row). _readable is false for a row that could not be split; its
   content is its text or, in a table with personal columns, the length and keyed hash of its text. #}
{% macro judged_rows(batch, columns, checks) -%}
    {%- set faults = contract_faults(batch, columns, checks) -%}
    {%- set secret = columns | selectattr('is_pii') | map(attribute='source') | list -%}
    {%- set known = columns | map(attribute='source') | list -%}
    {%- set pairs = [] -%}
    {%- for column in batch.columns if column.name != 'rejected_because' -%}
        {%- set field = delivered_name(column.name) -%}
        {%- set masked = column.name in secret or (secret and column.name not in known) -%}
        {%- do pairs.append((column.name, "case when " ~ field ~ " is not null then '***' end" if masked else field)) -%}
    {%- endfor -%}
    select
        {%- for column in columns %}
        {{ adapter.quote(column.name) }},
        {%- endfor %}
        _file_no,
        _line,
        _raw is null as _readable,
        case _fault when 0 then null{% for fault in faults %} when {{ loop.index }} then {{ sql_text(fault.column) }}{% endfor %} end as _column,
        case _fault when 0 then _unreadable{% for fault in faults %} when {{ loop.index }} then {{ sql_text(fault.reason) }}{% endfor %} end as _reason,
        case
            when _fault is null then null
            when _raw is not null then {{ row_as_json([('length', 'length(_raw)'), ('hash', keyed_hash('_raw'))]) if secret else '_raw' }}
            {%- if pairs %}
            else {{ row_as_json(pairs) }}
            {%- endif %}
        end as _content
    from (
        select
            *,
            case
                when _unreadable is not null then 0
                {%- for fault in faults %}
                when {{ fault.when }} then {{ loop.index }}
                {%- endfor %}
            end as _fault
        from ({{ typed_rows(batch, columns) }}) as typed
    ) as judged
{%- endmacro %}
