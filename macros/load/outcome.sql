{# What becomes of the judged rows of an extract: which count, which are superseded, which wait. #}

{# All rows of an extract, judged; no row but the contract's columns when nothing was delivered. #}
{% macro all_judged_rows(batches, columns, node) -%}
    select *
    from (
        {%- for batch in batches %}
        {{ judged_rows(batch, columns, node.config.meta.get('checks', [])) }}
        {{ 'union all by name' if not loop.last }}
        {%- else %}
        select
            {%- for column in columns %}
            cast(null as {{ column.type }}) as {{ adapter.quote(column.name) }},
            {%- endfor %}
            0 as _file_no,
            0 as _line,
            true as _readable,
            cast(null as varchar) as _column,
            cast(null as varchar) as _reason,
            cast(null as varchar) as _content
        where false
        {%- endfor %}
    ) as judged
{%- endmacro %}


{# Rows read per file number. Stops when a file has another number of rows than its lines announced: it changed, or was
   read wrongly. `judged` is none where no table holds every row; Parquet files then say it themselves. #}
{% macro rows_read(batches, judged) %}
    {%- set read = {} -%}
    {%- set counted = {} -%}
    {%- if judged -%}
        {%- for row in query_rows('select _file_no as file_no, count(*) as rows from ' ~ judged ~ ' group by _file_no') -%}
            {%- do counted.update({row.file_no: row.rows}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for batch in batches -%}
        {%- for file in batch.files -%}
            {%- set rows = counted.get(file.file_no, 0) if judged else file.rows -%}
            {%- if file.rows is not none and rows != file.rows -%}
                {{ exceptions.raise_compiler_error(
                    file.name ~ ': ' ~ rows ~ ' rows were read where the file has ' ~ file.rows ~ '; did it change meanwhile?'
                ) }}
            {%- endif -%}
            {%- do read.update({file.file_no: rows}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(read) -}}
{% endmacro %}


{# Key columns of the accepted rows with _file_no and _line, as SQL. #}
{% macro keyed_rows(batches, columns, judged, as_view) -%}
    {%- set keys = columns | selectattr('key') | list -%}
    {%- if as_view -%}
        select * from (
            {%- for batch in batches %}
            select _file_no, _line, {{ key_list(columns) }} from ({{ typed_rows(batch, keys) }}) as typed
            {{ 'union all' if not loop.last }}
            {%- endfor %}
        ) as keyed
        where (_file_no, _line) not in (select (_file_no, _line) from {{ judged }})
    {%- else -%}
        select _file_no, _line, {{ key_list(columns) }} from {{ judged }} where _reason is null
    {%- endif -%}
{%- endmacro %}

{% macro key_list(columns) -%}
    {%- for column in columns if column.key %}{{ adapter.quote(column.name) }}{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}

{% macro repeated_keys(columns, keyed) -%}
    select {{ key_list(columns) }} from ({{ keyed }}) as accepted group by {{ key_list(columns) }} having count(*) > 1
{%- endmacro %}

{% macro has_repeated_keys(columns, keyed) %}
    {{- return(query_rows('select 1 as found from (' ~ repeated_keys(columns, keyed) ~ ') as repeated limit 1') | length > 0) -}}
{% endmacro %}


{# The rows that do not count: rejected ones with column, reason and content; superseded ones, reason null, because a
   later delivery (file, row) has their key; and rows whose `must_exist` reference is missing among the latest rows. #}
{% macro left_out_rows(node, columns, judged, keyed, repeated) -%}
    {%- set rule = node.config.meta.get('must_exist') -%}
    with rejected as (
        select _file_no, _line, _readable, _column, _reason, _content from {{ judged }} where _reason is not null
    ),

    superseded as (
        {%- if repeated %}
        select _file_no, _line
        from (
            select _file_no, _line, row_number() over (partition by {{ key_list(columns) }} order by _file_no desc, _line desc) as age
            from ({{ keyed }}) as accepted
            inner join ({{ repeated_keys(columns, keyed) }}) as repeated using ({{ key_list(columns) }})
        ) as deliveries
        where age > 1
        {%- else %}
        select _file_no, _line from rejected where false
        {%- endif %}
    )

    select * from rejected
    union all
    select _file_no, _line, true, null, null, null from superseded
    {%- if rule %}
    union all
    select
        _file_no,
        _line,
        true,
        '{{ rule.column }}',
        concat('not in {{ rule.in }}: ', {{ rule.column }}),
        {{ row_as_json(column_pairs(columns)) }}
    from {{ judged }} as judged
    where
        _reason is null
        and not exists (select 1 from superseded where superseded._file_no = judged._file_no and superseded._line = judged._line)
        and not exists (select 1 from {{ ref(rule.in) }} as present where present.{{ rule.column }} = judged.{{ rule.column }})
    {%- endif %}
{%- endmacro %}

{% macro column_pairs(columns) %}
    {%- set pairs = [] -%}
    {%- for column in columns -%}{%- do pairs.append((column.name, adapter.quote(column.name))) -%}{%- endfor -%}
    {{- return(pairs) -}}
{% endmacro %}
