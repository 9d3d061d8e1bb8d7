{#
The rows of a delivered table for its base model: in the types of the contract, each with

  _fault      column: reason of the first fault, null in a good row
  _content    a row at fault as JSON, personal values masked
  _file       id of its file in the landing, or the model it comes from
  _row        physical line of a CSV row, ordinal of a Parquet row
  _place      (dt, file name): which delivery is the later one
  _is_latest  whether no later good row has its key (latest_of_key, keep_latest)
  _contract   what judged it, as a mark
  _run        the dbt run that loaded it, or last saw its key change

Only the files that the base model does not hold yet are read. Of a `large` table the Parquet files are not copied: only
their rows at fault come, and stg_ reads the others where they lie.
#}
{% macro delivered(table, source_name='extracts') %}
    {%- set connector = setting('connector') -%}
    {%- set is_native = source_name != 'extracts' or connector == 'native' -%}
    {%- if is_native -%}
        {%- set landed = source(source_name, table) -%}
        {%- set files = source(source_name, 'files') -%}
    {%- elif table in connector_setting('tables') -%}
        {%- set mapped = ref('stg_' ~ connector ~ '__' ~ table) -%}
    {%- endif -%}
    {%- do load_as_engine_can() -%}
    {%- if not execute -%}
        {{- return('(select 1) as delivered') -}}
    {%- endif -%}

    {%- set contract = contract_of(table, source_name) -%}
    {%- set columns = contract_columns(contract) -%}
    {%- set groups = [] -%}
    {%- if is_native -%}
        {%- do refuse_other_judgement(contract) -%}
        {%- set groups = landed_groups(files, table, stays_in_files(contract)) -%}
    {%- elif mapped is defined -%}
        {%- set groups = [mapped_group(mapped)] -%}
    {%- endif -%}
    (
        {%- for group in groups %}
        {{ judged_rows(group, contract, columns, files) }}
        {{ 'union all' if not loop.last }}
        {%- else %}
        select
            {%- for column in columns %}
            cast(null as {{ 'string' if column.pii else column.type }}) as {{ column.as }},
            {%- endfor %}
            cast(null as {{ dbt.type_string() }}) as _fault,
            cast(null as {{ dbt.type_string() }}) as _content,
            cast(null as {{ dbt.type_string() }}) as _file,
            cast(null as bigint) as _row,
            cast(null as {{ dbt.type_string() }}) as _place
        where false
        {%- endfor %}
    ) as delivered
{%- endmacro %}


{# The columns that end every base model. #}
{% macro judgement(table, source_name='extracts') -%}
    _fault,
    _content,
    _file,
    _row,
    _place,
    {{ latest_of_key(key_of(contract_of(table, source_name))) if execute else 'true' }} as _is_latest,
    '{{ contract_mark(contract_of(table, source_name)) if execute }}' as _contract,
    '{{ invocation_id }}' as _run
{%- endmacro %}


{# Landed files that one query reads alike: dictionaries with kinds (delivered column -> kind), row_source, paths and
   is_linked (a large file that stays where it is). Only files that the model being built does not hold yet, or all. #}
{% macro landed_groups(files, table, is_large, every=false) %}
    {%- set held = 'select _file from ' ~ this if is_incremental() and not every else none -%}
    {%- set query -%}
        select path, kinds, row_source
        from {{ files }}
        where table_name = '{{ table }}' and refused is null and rows_read > 0 {{ 'and file_id not in (' ~ held ~ ')' if held }}
        order by path
    {%- endset -%}
    {%- set groups = {} -%}
    {%- for row in run_query(query).rows -%}
        {%- set alike = row[1] ~ row[2] -%}
        {%- do groups.setdefault(alike, {
            'kinds': fromjson(row[1]), 'row_source': row[2], 'paths': [], 'is_linked': is_large and row[2] == 'ordinal',
        }).paths.append(row[0]) -%}
    {%- endfor -%}
    {{- return(groups.values() | list) -}}
{% endmacro %}


{# The rows of a connector's model, as one delivery of today. #}
{% macro mapped_group(mapped) %}
    {%- set kinds = {} -%}
    {%- for column in adapter.get_columns_in_relation(mapped) -%}
        {%- do kinds.update({column.name: kind_of_type(column.dtype)}) -%}
    {%- endfor -%}
    {{- return({'kinds': kinds, 'mapped': mapped, 'is_linked': false}) -}}
{% endmacro %}


{# The rows of one group: typed, then judged. A delivered field is d_<name> on the way. #}
{% macro judged_rows(group, contract, columns, files) -%}
    {%- set unparsed = [] -%}
    {%- set content = [] -%}
    {%- for column in columns if column.name in group.kinds -%}
        {%- set field = delivered_field(column.name) -%}
        {%- if may_not_parse(column.type, group.kinds[column.name]) -%}{%- do unparsed.append(column.name) -%}{%- endif -%}
        {%- set shown = field -%}
        {%- if column.pii -%}
            {%- set shown = "case when " ~ field ~ " is not null then '***' end" -%}
        {%- elif columns | selectattr('pii') | list and group.kinds[column.name] == 'text' -%}
            {#- the fields of a row at fault may stand one column off #}
            {%- set shown = "case when " ~ field ~ " like '%@%' then '***' else " ~ field ~ " end" -%}
        {%- endif -%}
        {%- do content.append((column.name, shown)) -%}
    {%- endfor -%}
    {%- set faults = contract_faults(contract, columns, unparsed) -%}
    select
        {%- for column in columns %}
        {{ column.as }},
        {%- endfor %}
        _fault,
        case when _fault is not null then {{ row_as_json(content) }} end as _content,
        _file,
        _row,
        _place
    from (
        select
            *,
            case
                {%- for fault in faults %}
                when {{ fault.when }} then '{{ (fault.column ~ ': ' ~ fault.reason) | replace("'", "''") }}'
                {%- endfor %}
            end as _fault
        from (
            select
                *,
                {%- if unparsed %}
                nullif(concat(
                    {%- for column in columns if column.name in unparsed %}
                    case when {{ delivered_field(column.name) }} is not null and {{ column.as }} is null then ' {{ column.name }} ' else '' end{{ ',' if not loop.last }}
                    {%- endfor %}
                ), '')
                {%- else %}
                cast(null as {{ dbt.type_string() }})
                {%- endif %} as _unparsed
            from (
                select
                    *,
                    {%- for column in columns %}
                    {%- set field = delivered_field(column.name) %}
                    {%- if column.name not in group.kinds %}
                    cast(null as {{ column.type }})
                    {%- elif column.pii %}
                    {{ keyed_hash(parse_value('string', group.kinds[column.name], field)) }}
                    {%- else %}
                    {{ parse_value(column.type, group.kinds[column.name], field) }}
                    {%- endif %} as {{ column.as }}{{ ',' if not loop.last }}
                    {%- endfor %}
                from ({{ mapped_fields(group, columns) if group.mapped else landed_fields(group, columns, files) }}) as fields
            ) as typed
        ) as formed
    ) as judged
    {%- if group.is_linked %}
    where _fault is not null
    {%- endif %}
{%- endmacro %}

{# Whether a delivered field of a kind can fail to be of a type. #}
{% macro may_not_parse(type, kind) -%}
    {{- return(kind == 'other' or type not in ('string', kind) and not (type == 'timestamp' and kind in ('time', 'instant', 'date'))) -}}
{%- endmacro %}

{% macro delivered_field(name) -%} d_{{ name }} {%- endmacro %}

{% macro mapped_fields(group, columns) -%}
    {%- set too_late = (modules.datetime.datetime.now(modules.pytz.utc) + modules.datetime.timedelta(days=2)).strftime('%Y-%m-%d') -%}
    select
        {%- for column in columns if column.name in group.kinds %}
        {{ column.name }} as {{ delivered_field(column.name) }},
        {%- endfor %}
        '{{ group.mapped.identifier }}' as _file,
        row_number() over (order by {{ columns | selectattr('key') | map(attribute='name') | join(', ') }}) as _row,
        '' as _place,
        cast('{{ too_late }}' as timestamp) as _too_late
    from {{ group.mapped }} as mapped
{%- endmacro %}


{# Rows judged by another contract or hashed with another key may not be mixed with new ones. #}
{% macro refuse_other_judgement(contract) %}
    {%- if is_incremental() -%}
        {%- set query = "select count(*) from " ~ this ~ " where _contract <> '" ~ contract_mark(contract) ~ "'" -%}
        {%- if run_query(query).rows[0][0] -%}
            {{ exceptions.raise_compiler_error(
                'The contract of ' ~ contract.name ~ ' (or PII_KEY) changed since its rows were loaded. Load them anew: '
                ~ 'dbt build --full-refresh, or make build FULL_REFRESH=1'
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro contract_key(base) -%} {{- key_of(contract_of(base.table, base.source)) -}} {%- endmacro %}

{% macro key_of(contract) -%}
    {{- contract_columns(contract) | selectattr('key') | map(attribute='as') | join(', ') -}}
{%- endmacro %}
