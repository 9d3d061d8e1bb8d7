{# The contract of a delivered table, as the YAML of its source gives it (models/staging/**/sources.yml). #}

{# A source node, none while the project is parsed. #}
{% macro contract_of(table, source_name='extracts') %}
    {%- if execute -%}
        {{- return(
            graph.sources.values()
            | selectattr('source_name', 'equalto', source_name)
            | selectattr('name', 'equalto', table)
            | first
        ) -}}
    {%- endif -%}
{% endmacro %}


{# The tables of the contract, in its order. #}
{% macro extract_tables() -%}
    {{- return([
        'customers', 'sellers', 'seller_status_events', 'products', 'offers',
        'orders', 'order_lines', 'payments', 'returns', 'refunds', 'claims', 'reviews', 'seller_fees', 'operating_costs',
        'exchange_rates',
        'events', 'ad_spend', 'leads', 'experiments', 'features', 'experiment_assignments',
        'support_tickets', 'survey_invitations',
        'kpi_targets', 'seller_policies', 'calendar_events', 'feed_coverage', 'action_log',
    ]) -}}
{%- endmacro %}


{# Every base model of this build as a dictionary: model, the source and table whose contract it holds. #}
{% macro base_models() %}
    {%- set found = [] -%}
    {%- for table in extract_tables() -%}
        {%- do found.append({'model': 'base_' ~ table, 'source': 'extracts', 'table': table}) -%}
    {%- endfor -%}
    {%- set connector = setting('connector') -%}
    {%- for table in connector_setting('raw_tables') or [] -%}
        {%- do found.append({'model': 'base_' ~ connector ~ '__' ~ table, 'source': connector, 'table': table}) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}


{# What dbt_project.yml says of the connector; none for native extracts. Stops at an unknown connector. #}
{% macro connector_setting(name) %}
    {%- set connector = setting('connector') -%}
    {%- if connector == 'native' -%}
        {{- return(none) -}}
    {%- elif connector not in var('connectors') -%}
        {{ exceptions.raise_compiler_error(
            "The connector '" ~ connector ~ "' is unknown; there are native, " ~ var('connectors').keys() | join(', ')
        ) }}
    {%- endif -%}
    {{- return(var('connectors')[connector].get(name)) -}}
{% endmacro %}


{# The columns of a contract as dictionaries: name (as delivered), as (in the warehouse), type and rules. A personal
   column is kept as its keyed hash, under <name>_hash. #}
{% macro contract_columns(contract) %}
    {%- set columns = [] -%}
    {%- for column in (contract.columns if contract else {}).values() -%}
        {%- set rules = column.config.meta if column.config else {} -%}
        {%- do columns.append({
            'name': column.name,
            'as': column.name ~ ('_hash' if rules.get('pii') else ''),
            'type': column.data_type | lower,
            'pii': rules.get('pii', false),
            'key': rules.get('key', false),
            'required': rules.get('key', false) or rules.get('required', false),
            'rules': rules,
        }) -%}
    {%- endfor -%}
    {{- return(columns) -}}
{% endmacro %}


{# What can be wrong with a typed row, in the order of judgement: dictionaries with column, reason and the SQL condition
   of the fault. `unparsed` names the delivered columns whose written form may be wrong. #}
{% macro contract_faults(contract, columns, unparsed) %}
    {%- set faults = [] -%}
    {%- for column in columns -%}
        {%- set name = column.as -%}
        {%- set rules = column.rules -%}
        {%- if column.required -%}
            {%- set misses = name ~ ' is null' ~ (' and not ' ~ is_unparsed(column.name) if column.name in unparsed else '') -%}
            {%- do faults.append({'column': column.name, 'reason': 'missing', 'when': misses}) -%}
        {%- endif -%}
        {%- if column.name in unparsed -%}
            {%- do faults.append({
                'column': column.name, 'reason': 'not ' ~ written_form(column.type), 'when': is_unparsed(column.name)
            }) -%}
        {%- endif -%}
        {%- if column.type in ['date', 'timestamp'] -%}
            {%- do faults.append({
                'column': column.name,
                'reason': 'outside the years 1990 to 2100',
                'when': name ~ " < date '1990-01-01' or " ~ name ~ " >= date '2101-01-01'"
            }) -%}
        {%- endif -%}
        {%- if column.type == 'timestamp' and not rules.get('may_be_future') -%}
            {%- do faults.append({
                'column': column.name, 'reason': 'later than the day after its delivery', 'when': name ~ ' >= _too_late'
            }) -%}
        {%- endif -%}
        {%- if rules.get('form') == 'currency' -%}
            {%- do faults.append({
                'column': column.name, 'reason': 'not an ISO 4217 code', 'when': 'not ' ~ has_form(name, '[A-Z]{3}')
            }) -%}
        {%- endif -%}
        {%- if rules.get('values') -%}
            {%- set words = rules.get('values') -%}
            {%- do faults.append({
                'column': column.name,
                'reason': 'none of ' ~ words | join(', '),
                'when': name ~ " not in ('" ~ words | join("', '") ~ "')"
            }) -%}
        {%- endif -%}
        {%- for rule, operator, words in [('min', '<', 'less than '), ('max', '>', 'more than '), ('above', '<=', 'not above ')] if rules.get(rule) is not none -%}
            {%- do faults.append({
                'column': column.name, 'reason': words ~ rules.get(rule), 'when': name ~ ' ' ~ operator ~ ' ' ~ rules.get(rule)
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for check in contract.config.meta.get('checks', []) + (target_checks() if contract.name == 'kpi_targets' else []) -%}
        {%- do faults.append({'column': check.column, 'reason': check.reason, 'when': 'not (' ~ check.holds ~ ')'}) -%}
    {%- endfor -%}
    {{- return(faults) -}}
{% endmacro %}

{% macro is_unparsed(name) -%} coalesce(_unparsed like '% {{ name }} %', false) {%- endmacro %}

{% macro written_form(type) -%}
    {{- return({
        'string': 'a text',
        'bigint': 'a whole number',
        'boolean': 'true or false',
        'date': 'a date (YYYY-MM-DD)',
        'timestamp': 'an ISO 8601 time',
    }.get(type) or ('a number with at most ' ~ decimals_of(type) ~ ' decimals' if is_money(type) else 'a number')) -}}
{%- endmacro %}


{# Amounts have at most their four decimals. Rates and shares may have any number, and are rounded to those of their type. #}
{% macro is_money(type) -%}
    {{- return(decimals_of(type) <= 4) -}}
{%- endmacro %}


{# Decimal places of a type such as decimal(18,4). #}
{% macro decimals_of(type) -%}
    {{- return(type.split(',')[1] | replace(')', '') | int) -}}
{%- endmacro %}


{# The key that turns personal values into hashes: the variable pii_key, else the environment variable PII_KEY. The
   default is for sample data only; whoever knows the key can find out which address a hash stands for. #}
{% macro pii_key() -%}
    {{- return(setting('pii_key') or default_pii_key()) -}}
{%- endmacro %}

{% macro default_pii_key() -%} {{- return('marketplace-kpis-sample') -}} {%- endmacro %}


{# Changes with everything that judged a row but the row itself: rows judged otherwise may not stand side by side. #}
{% macro contract_mark(contract) -%}
    {%- set said = [pii_key()] -%}
    {%- for column in contract_columns(contract) -%}{%- do said.append([column.name, column.type, column.rules]) -%}{%- endfor -%}
    {%- do said.append([contract.config.meta.get('checks', []), contract.config.meta.get('large', false)]) -%}
    {{- return(local_md5(tojson(said, sort_keys=true))) -}}
{%- endmacro %}


{# A table of the landing itself (files, unreadable), of the connector's own source. #}
{% macro landing(name) -%}
    {{- return(source('extracts' if setting('connector') == 'native' else setting('connector'), name)) -}}
{%- endmacro %}


{# Tables whose rows may hold personal values. #}
{% macro tables_with_personal_values() %}
    {%- set found = [] -%}
    {%- for base in base_models() if execute and contract_columns(contract_of(base.table, base.source)) | selectattr('pii') | list -%}
        {%- do found.append(base.table) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}


{# A typed row of a table as JSON, personal values as their hashes, times as their text: engines write them otherwise. #}
{% macro contract_row_as_json(table) -%}
    {%- set pairs = [] -%}
    {%- for column in contract_columns(contract_of(table)) if execute -%}
        {%- do pairs.append((column.as, 'cast(' ~ column.as ~ ' as string)' if column.type in ['date', 'timestamp'] else column.as)) -%}
    {%- endfor -%}
    {{- row_as_json(pairs) -}}
{%- endmacro %}
