{# How landed files are read and how their rows are kept, on each engine. #}

{# Lets the engine find the landing by the names of its sources, before anything is built. #}
{% macro open_landing() %}
    {{- return(adapter.dispatch('open_landing', 'marketplace_kpis')()) -}}
{% endmacro %}

{% macro duckdb__open_landing() -%} {%- endmacro %}

{% macro spark__open_landing() %}
    {%- for name in ['files', 'unreadable'] -%}
        {%- set view = landing(name) -%}
        {%- do run_query('create schema if not exists ' ~ view.schema) -%}
        {%- do run_query('create or replace view ' ~ view ~ ' as select * from ' ~ spark__parquet(setting('landing_dir') ~ '/' ~ name ~ '.parquet')) -%}
    {%- endfor -%}
{% endmacro %}

{% macro spark__parquet(path) -%} parquet.`{{ path }}` {%- endmacro %}


{# What the landing says of itself (extracts, connector), none where there is none. #}
{% macro landed_source() %}
    {{- return(adapter.dispatch('landed_source', 'marketplace_kpis')()) -}}
{% endmacro %}

{% macro duckdb__landed_source() %}
    {%- set path = sql_texts([setting('landing_dir') ~ '/_source.json'])[1:-1] -%}
    {%- if run_query('select file from glob(' ~ path ~ ')').rows | length -%}
        {{- return(run_query('select extracts, connector from read_json(' ~ path ~ ')').rows[0]) -}}
    {%- endif -%}
{% endmacro %}

{# Where there is none Spark itself says so, and names the path. #}
{% macro spark__landed_source() %}
    {{- return(run_query('select extracts, connector from json.`' ~ setting('landing_dir') ~ '/source.json`').rows[0]) -}}
{% endmacro %}


{# Names of the tables' files in the extracts folder that the landing does not hold as they are now. #}
{% macro files_not_landed(extracts, source_name) %}
    {{- return(adapter.dispatch('files_not_landed', 'marketplace_kpis')(extracts, source_name)) -}}
{% endmacro %}

{% macro duckdb__files_not_landed(extracts, source_name) %}
    {%- set stems = [] -%}
    {%- for table in graph.sources.values() if (table.package_name, table.source_name) == ('marketplace_kpis', source_name) -%}
        {%- do stems.append(table.config.meta.get('file', table.name)) -%}
    {%- endfor -%}
    {%- set query -%}
        select name
        from (
            select
                substr(filename, {{ extracts | length + 2 }}) as name,
                size,
                cast(last_modified as timestamp) as modified_at
            from read_blob({{ sql_texts([extracts ~ '/**']) }})
        ) as delivered
        where
            regexp_full_match(name, '({{ stems | join("|") }})(/.*)?[.](csv|csv[.]gz|parquet)')
            and not regexp_matches(name, '(^|/)[._]')
            and not regexp_matches(replace(name, '/dt=', '/'), '/[^/]*=[^/]*/')  -- nobody reads other partitions
            and (name, size, date_trunc('second', modified_at)) not in (
                select (file_name, bytes, modified_at) from {{ source(source_name, 'files') }}
            )
            and size > 3  -- a blank file is none
        order by name
    {%- endset -%}
    {{- return(run_query(query).columns[0].values() | list) -}}
{% endmacro %}

{# A cluster sees the landing, not the folder of the extracts. #}
{% macro spark__files_not_landed(extracts, source_name) -%} {{- return([]) -}} {%- endmacro %}


{# The delivered fields of a group of landed files as d_<name>, with _file, _row, _place and _too_late. #}
{% macro landed_fields(group, columns, files) -%}
    select
        {%- for column in columns if column.name in group.kinds %}
        {{ landed_field(column.name, group.kinds[column.name]) }} as {{ delivered_field(column.name) }},
        {%- endfor %}
        files.file_id as _file,
        {{ 'landed._row' if group.row_source == '_row' else 'landed.file_row_number + 1' }} as _row,
        files.place as _place,
        files.too_late as _too_late
    {{ from_landed_files(group, files) }}
{%- endmacro %}

{# A landed field, null where it stands for no value: an empty text, and what is no number among floats. #}
{% macro landed_field(name, kind) -%}
    {%- set field = 'landed.' ~ adapter.quote(name) -%}
    {%- if kind == 'float' -%}
        {{ number_or_null(field) }}
    {%- elif kind == 'text' -%}
        nullif({{ field }}, '')
    {%- else -%}
        {{ field }}
    {%- endif -%}
{%- endmacro %}


{# The rows of a group of landed files as `landed`, with file_row_number from 0, each with its row of `files`. #}
{% macro from_landed_files(group, files) %}
    {{- return(adapter.dispatch('from_landed_files', 'marketplace_kpis')(group, files)) -}}
{% endmacro %}

{% macro duckdb__from_landed_files(group, files) -%}
    from {{ duckdb__read_files(group) }} as landed
    inner join {{ files }} as files on landed._path = files.path
{%- endmacro %}

{# A landed file is called by its id; the landing may have been moved since. #}
{% macro spark__from_landed_files(group, files) -%}
    {%- set names = [] -%}
    {%- for path in group.paths -%}{%- do names.append(path.split('/')[-1]) -%}{%- endfor -%}
    {%- set folder = setting('landing_dir') ~ '/' ~ group.paths[0].split('/')[-2] -%}
    from (
        select
            *,
            _metadata.file_name as _name,
            _metadata.row_index as file_row_number
        from {{ spark__parquet(folder ~ '/' ~ (names[0] if names | length == 1 else '{' ~ names | join(',') ~ '}')) }}
    ) as landed
    inner join {{ files }} as files on landed._name = concat(files.file_id, '.parquet')
{%- endmacro %}


{# A float, null where it is no number. DuckDB finds that only as text where the statistics of a file, which leave it out,
   promise numbers. #}
{% macro number_or_null(field) %}
    {{- return(adapter.dispatch('number_or_null', 'marketplace_kpis')(field)) -}}
{% endmacro %}

{% macro duckdb__number_or_null(field) -%}
    case when cast({{ field }} as varchar) not in ('nan', '-nan') then {{ field }} end
{%- endmacro %}

{% macro spark__number_or_null(field) -%} nullif({{ field }}, double('nan')) {%- endmacro %}


{% macro duckdb__read_files(group) -%}
    read_parquet({{ sql_texts(group.paths) }}, union_by_name = true, filename = '_path', hive_partitioning = false)
{%- endmacro %}


{# The kind (ops/land.py) of a column of a relation. #}
{% macro kind_of_type(type) %}
    {{- return(adapter.dispatch('kind_of_type', 'marketplace_kpis')(type | lower)) -}}
{% endmacro %}

{% macro duckdb__kind_of_type(type) -%}
    {{- return({
        'integer': 'whole', 'bigint': 'whole', 'hugeint': 'whole', 'double': 'float', 'boolean': 'boolean', 'date': 'date',
        'timestamp': 'time', 'timestamp with time zone': 'instant',
    }.get(type) or (type if type.startswith('decimal') else 'text')) -}}
{%- endmacro %}

{% macro spark__kind_of_type(type) -%}
    {{- return({
        'int': 'whole', 'bigint': 'whole', 'double': 'float', 'boolean': 'boolean', 'date': 'date', 'timestamp': 'time',
    }.get(type) or (type if type.startswith('decimal') else 'text')) -}}
{%- endmacro %}


{# Called by every model of delivered rows: what the engine holds of a table is loaded anew, or, as dbt_project.yml says,
   what came is added. #}
{% macro load_as_engine_can() %}
    {{- return(adapter.dispatch('load_as_engine_can', 'marketplace_kpis')()) -}}
{% endmacro %}

{% macro duckdb__load_as_engine_can() -%} {%- endmacro %}

{# Plain Parquet knows no delete and no update. #}
{% macro spark__load_as_engine_can() -%}
    {{- config(materialized='table') -}}
{%- endmacro %}


{# Whether the Parquet files of a table of this contract stay where they are, and are not copied. #}
{% macro stays_in_files(contract) %}
    {{- return(adapter.dispatch('stays_in_files', 'marketplace_kpis')(contract)) -}}
{% endmacro %}

{% macro duckdb__stays_in_files(contract) -%} {{- return(contract.config.meta.get('large', false)) -}} {%- endmacro %}

{% macro spark__stays_in_files(contract) -%} {{- return(false) -}} {%- endmacro %}


{# Whether a row is the latest good one of its key, where all rows are at hand; where they come bit by bit, keep_latest() says. #}
{% macro latest_of_key(key) %}
    {{- return(adapter.dispatch('latest_of_key', 'marketplace_kpis')(key)) -}}
{% endmacro %}

{% macro duckdb__latest_of_key(key) -%} true {%- endmacro %}

{% macro spark__latest_of_key(key) -%}
    _fault is not null or row_number() over (partition by _fault is null, {{ key }} order by _place desc, _row desc) = 1
{%- endmacro %}


{# Hooks of base models (dbt_project.yml): what comes and goes of one delivery changes which row of a key is the latest.
   The rows whose key is touched carry this run's id in _run. #}

{# Before: the rows of files that were withdrawn or replaced go, those of a connector's model too. #}
{% macro forget_withdrawn() %}
    {{- return(adapter.dispatch('forget_withdrawn', 'marketplace_kpis')()) -}}
{% endmacro %}

{% macro spark__forget_withdrawn() -%} {%- endmacro %}

{% macro duckdb__forget_withdrawn() -%}
    {%- if execute and is_incremental() -%}
        {%- set base = base_models() | selectattr('model', 'equalto', this.identifier) | first -%}
        {%- if base.source == 'extracts' and setting('connector') != 'native' -%}
            delete from {{ this }}
        {%- else -%}
            {%- set gone = '_file not in (select file_id from ' ~ source(base.source, 'files') ~ ')' -%}
            {%- if run_query('select 1 from ' ~ this ~ ' where ' ~ gone ~ ' limit 1').rows | length -%}
                {{ touch_keys(contract_key(base), gone) }};
                delete from {{ this }} where {{ gone }}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{# After: of the good rows of a key the last one by (dt, file name, row) is the latest, whatever came in which order. #}
{% macro keep_latest() %}
    {{- return(adapter.dispatch('keep_latest', 'marketplace_kpis')()) -}}
{% endmacro %}

{% macro spark__keep_latest() -%} {%- endmacro %}

{% macro duckdb__keep_latest() -%}
    {%- if execute -%}
        {%- set base = base_models() | selectattr('model', 'equalto', this.identifier) | first -%}
        {%- if is_large(base) -%}
            {{ bring_repeated_keys(base) }};
            {{ mark_latest(contract_key(base)) }};
            {{ forget_linked(base, '_is_latest') }}
        {%- else -%}
            {{ mark_latest(contract_key(base)) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Whether a base model leaves Parquet files where they are: a large table of native extracts. #}
{% macro is_large(base) %}
    {{- return(setting('connector') == 'native' and stays_in_files(contract_of(base.table, base.source))) -}}
{% endmacro %}


{# Marks the good rows of the base model being built whose key has a row that condition finds: their latest may change. #}
{% macro touch_keys(key, condition) -%}
    update {{ this }} set _run = '{{ invocation_id }}'
    where _fault is null and ({{ key }}) in (select ({{ key }}) from {{ this }} where _fault is null and {{ condition }})
{%- endmacro %}


{# Marks the latest good row of each key that this run touched. #}
{% macro mark_latest(key) -%}
    update {{ this }} as judged
    set _is_latest = ranked.is_latest
    from (
        select
            _file,
            _row,
            row_number() over (partition by {{ key }} order by _place desc, _row desc) = 1 as is_latest
        from {{ this }}
        where
            _fault is null
            and ({{ key }}) in (
                select ({{ key }}) from {{ this }}
                where _fault is null
                group by {{ key }}
                having bool_or(_run = '{{ invocation_id }}') and (count(*) > 1 or not bool_and(_is_latest))
            )
    ) as ranked
    where judged._file = ranked._file and judged._row = ranked._row and judged._is_latest <> ranked.is_latest
{%- endmacro %}


{# The good rows of a large table's linked files whose key is there more than once, brought into the base model being
   built for mark_latest(), and the copied rows that were superseded until now. Hashes find them first: few rows are compared by their keys. #}
{% macro bring_repeated_keys(base) -%}
    {%- set files = source(base.source, 'files') -%}
    {%- set keys = contract_columns(contract_of(base.table, base.source)) | selectattr('key') | list -%}
    {%- set names = keys | map(attribute='as') | join(', ') -%}
    {{ forget_linked(base, 'true') }};
    -- a copied row may have given way to a linked one, which is not held here and may have been withdrawn
    update {{ this }} set _run = '{{ invocation_id }}' where _fault is null and not _is_latest;
    {%- for group in landed_groups(files, base.table, true, every=true) if group.is_linked %}
        {%- if loop.first %}
    insert into {{ this }} by name
    with linked as (
        {%- endif %}
        select
            {%- for column in keys %}
            {{ parse_value(column.type, group.kinds[column.name], delivered_field(column.name)) }} as {{ column.as }},
            {%- endfor %}
            _file,
            _row,
            _place
        from ({{ landed_fields(group, keys, files) }}) as fields
        {{ 'union all' if not loop.last }}
        {%- if loop.last %}
    ),

    every_key as (
        select {{ names }} from linked
        union all
        select {{ names }} from {{ this }} where _fault is null
    ),

    suspects as (
        select hash({{ names }}) as suspect from every_key group by hash({{ names }}) having count(*) > 1
    ),

    repeated as (
        select {{ names }} from every_key
        where hash({{ names }}) in (select suspect from suspects)
        group by {{ names }}
        having count(*) > 1
    )

    select
        {{ names }},
        _file,
        _row,
        _place,
        true as _is_latest,
        '{{ contract_mark(contract_of(base.table, base.source)) }}' as _contract,
        '{{ invocation_id }}' as _run
    from linked
    where
        hash({{ names }}) in (select suspect from suspects)
        and ({{ names }}) in (select ({{ names }}) from repeated)
        and (_file, _row) not in (select (_file, _row) from {{ this }} where _fault is not null)
        {%- endif %}
    {%- else %}
    select 1
    {%- endfor %}
{%- endmacro %}


{# Takes good rows of linked files, where a condition holds, out of the base model being built. #}
{% macro forget_linked(base, condition) -%}
    delete from {{ this }}
    where _fault is null and {{ condition }} and _file in (
        select file_id from {{ source(base.source, 'files') }} where row_source = 'ordinal'
    )
{%- endmacro %}


{# The rows of a large table's linked files that count, in the types of the contract, as `union all` parts; nothing where
   there are none. Only files with rows that do not count are compared with the base model. #}
{% macro linked_rows(table, base) %}
    {{- return(adapter.dispatch('linked_rows', 'marketplace_kpis')(table, base)) -}}
{% endmacro %}

{% macro spark__linked_rows(table, base) -%} {%- endmacro %}

{% macro duckdb__linked_rows(table, base) -%}
    {%- set files = source('extracts', 'files') -%}
    {%- if execute and setting('connector') == 'native' -%}
        {%- set columns = contract_columns(contract_of(table)) -%}
        {%- set spoilt = run_query('select path from ' ~ files ~ ' where file_id in (select _file from ' ~ base ~ ')').columns[0].values() | list -%}
        {%- for group in landed_groups(files, table, true, every=true) if group.is_linked -%}
            {%- for is_spoilt in [false, true] -%}
                {%- set paths = group.paths | select('in', spoilt) | list if is_spoilt else group.paths | reject('in', spoilt) | list -%}
                {%- if paths %}
    union all
    select
        {%- for column in columns %}
        {% if column.name in group.kinds -%}
            {{ parse_value(column.type, group.kinds[column.name], landed_field(column.name, group.kinds[column.name])) }}
        {%- else -%}
            cast(null as {{ column.type }})
        {%- endif %} as {{ column.as }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ duckdb__read_files({'paths': paths}) }} as landed
                    {%- if is_spoilt %}
    where not exists (
        select 1 from {{ base }} as left_out
        inner join {{ files }} as files on left_out._file = files.file_id
        where files.path = landed._path and left_out._row = landed.file_row_number + 1
    )
                    {%- endif %}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{# Rows of a large table's linked files by file, less those in the base model, as a `union all` part of load_audit. #}
{% macro linked_counts(table, base) %}
    {{- return(adapter.dispatch('linked_counts', 'marketplace_kpis')(table, base)) -}}
{% endmacro %}

{% macro spark__linked_counts(table, base) -%} {%- endmacro %}

{% macro duckdb__linked_counts(table, base) -%}
    {%- if execute and setting('connector') == 'native' -%}
        {%- set files = source('extracts', 'files') -%}
        {%- for group in landed_groups(files, table, true, every=true) if group.is_linked %}
    select
        '{{ table }}' as table_name,
        files.file_id as _file,
        0 as rows_in_base,
        count(*) - (select count(*) from {{ base }} as base where base._file = files.file_id) as rows_loaded,
        0 as rows_superseded
    from {{ duckdb__read_files(group) }} as landed
    inner join {{ files }} as files on landed._path = files.path
    group by files.file_id
    union all
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{# A SQL list of string literals. #}
{% macro sql_texts(texts) -%}
    [{% for text in texts %}'{{ text | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}]
{%- endmacro %}
