{# The delivered rows of files or of a connector's model, one shape for all, before they are judged:
   _file_no, _line, _too_late, _unreadable (why the row could not be split, else null), _raw (its text in that case) and
   one column d_<name> per delivered column. #}

{# The rows of one batch: files of one kind with the same columns, or one model. #}
{% macro delivered_rows(batch) %}
    {{- return(adapter.dispatch('delivered_rows', 'marketplace_kpis')(batch)) -}}
{% endmacro %}

{% macro duckdb__delivered_rows(batch) -%}
    {%- if batch.kind == 'refused' -%}
        {{ duckdb__refused_rows(batch) }}
    {%- elif batch.kind == 'csv' -%}
        {{ duckdb__csv_rows(batch) }}
    {%- elif batch.kind == 'parquet' -%}
        {{ duckdb__parquet_rows(batch) }}
    {%- else -%}
        {{ duckdb__model_rows(batch) }}
    {%- endif -%}
{%- endmacro %}


{# What is known of each file of a batch, as a table to join to the rows read. #}
{% macro duckdb__file_facts(files) -%}
    {%- set before = namespace(lines=0) -%}
    (
        values
        {%- for file in files %}
        (
            {{ sql_text(file.path) }}, {{ file.file_no }}, {{ before.lines }}, {{ file.csv.header_place if file.csv else 0 }},
            timestamp '{{ file.too_late }}', {{ sql_text(file.csv.refused) if file.csv and file.csv.refused else 'null' }}
        ){{ ',' if not loop.last }}
        {%- set before.lines = before.lines + (file.csv.lines if file.csv else 0) -%}
        {%- endfor %}
    ) as facts (path, file_no, lines_before, header_place, too_late, refused)
{%- endmacro %}


{# The physical lines of CSV files below their headers: file_no, line_no, too_late, refused, line (null when blank) and
   flaw (why it cannot be read, or null). A file with unreadable lines comes alone. #}
{% macro duckdb__csv_lines(files) -%}
    {%- set csv = files[0].csv -%}
    select
        facts.file_no,
        facts.too_late,
        facts.refused,
        {{ '(delivered.place - facts.lines_before + 1) // 2' if csv.step == 2 else 'delivered.place - facts.lines_before' }} as line_no,
        delivered.line,
        delivered.flaw
    from (
        {{ duckdb__delivered_lines(files | map(attribute='path') | list, csv.paired, csv.buffer, csv.unreadable) }}
    ) as delivered
    inner join {{ duckdb__file_facts(files) }} on delivered.filename = facts.path
    where delivered.place - facts.lines_before > facts.header_place
{%- endmacro %}

{# Lines with filename, line, place and flaw; of a file with unreadable lines (a file alone) these among them. The k-th
   unreadable line has (its number - k) readable ones before it. #}
{% macro duckdb__delivered_lines(paths, paired=false, buffer=none, unreadable=none) -%}
    {%- if not unreadable -%}
    select *, cast(null as varchar) as flaw
    from {{ duckdb__numbered_lines(paths, paired, buffer, strict=true) }}
    {%- else -%}
    select numbered.filename, numbered.line, numbered.place + coalesce(unreadable.k, 0) as place, null as flaw
    from {{ duckdb__numbered_lines(paths, paired, buffer) }}
    asof left join (
        select line - k as readable_before, max(k) as k
        from (select line, row_number() over (order by line) as k from {{ unreadable }}) as numbered
        group by line - k
    ) as unreadable on numbered.place > unreadable.readable_before
    union all
    select
        {{ sql_text(paths[0]) }},
        csv_line,
        line,
        case error_type when 'INVALID ENCODING' then 'not UTF-8' else lower(cast(error_type as varchar)) end
    from {{ unreadable }}
    {%- endif -%}
{%- endmacro %}


{# Each line of a file that cannot be trusted is a row that cannot be read. #}
{% macro duckdb__refused_rows(batch) -%}
    select
        file_no as _file_no,
        line_no as _line,
        too_late as _too_late,
        refused as _unreadable,
        line as _raw
    from ({{ duckdb__csv_lines(batch.files) }}) as lines
    where replace(replace(line, chr(0), ''), chr(13), '') <> ''
{%- endmacro %}


{# (A running count(*) filter takes DuckDB 2.0 quadratic time; a running sum does not.)

   Lines with whether they end inside a quoted field. A line either settles that by itself, keeps it (no quote) or
   turns it over; so the last line that settled it and the turns since then say where every line ends. #}
{% macro duckdb__stated_lines(files) -%}
    select
        *,
        (coalesce(settled % 2, 0) + turns - coalesce(settled // 2, 0)) % 2 = 1 as ends_inside
    from (
        select
            *,
            last_value(case when from_outside = from_inside then 2 * turns + cast(from_outside as bigint) end ignore nulls)
                over (partition by file_no order by line_no rows unbounded preceding) as settled
        from (
            select
                *,
                sum(case when from_outside and not from_inside then 1 else 0 end)
                    over (partition by file_no order by line_no rows unbounded preceding) as turns
            from (
                select
                    *,
                    coalesce(contains(line, '"') and {{ duckdb__opens_quote('line') }}, false) as from_outside,
                    coalesce(not contains(line, '"') or {{ duckdb__stays_inside('line') }}, true) as from_inside
                from ({{ duckdb__csv_lines(files) }}) as lines
            ) as marked
        ) as counted
    ) as folded
{%- endmacro %}

{# Whether a line that begins inside a quoted field ends inside one. #}
{% macro duckdb__stays_inside(line) -%}
    regexp_full_match({{ line }}, '(?:[^"]|"")*(?:",(?:{{ csv_field() }},)*"(?:[^"]|"")*)?')
{%- endmacro %}


{# CSV records: file_no, too_late, line_no (of the first line), record, flaw, breaks (line breaks inside quotes, each
   kept as one line feed), unclosed (the file ends inside quotes). #}
{% macro duckdb__csv_records(files) -%}
    {%- if files[0].csv.multi_line -%}
    select
        file_no,
        any_value(too_late) as too_late,
        min(line_no) as line_no,
        string_agg(coalesce(line, ''), chr(10) order by line_no) as record,
        max(flaw) as flaw,
        count(*) - 1 as breaks,
        arg_max(ends_inside, line_no) as unclosed
    from (
        select
            *,
            sum(case when begins_inside then 0 else 1 end)
                over (partition by file_no order by line_no rows unbounded preceding) as record_no
        from (
            select *, coalesce(lag(ends_inside) over (partition by file_no order by line_no), false) as begins_inside
            from ({{ duckdb__stated_lines(files) }}) as stated
        ) as begun
        where begins_inside or line is not null
    ) as assembled
    group by file_no, record_no
    {%- else -%}
    select file_no, too_late, line_no, line as record, flaw
    from ({{ duckdb__csv_lines(files) }}) as lines
    where line is not null
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__csv_rows(batch) -%}
    select
        file_no as _file_no,
        line_no as _line,
        too_late as _too_late,
        unreadable as _unreadable,
        case when unreadable is not null then record end as _raw
        {%- for column in batch.columns %},
        case when unreadable is null then nullif(fields[{{ loop.index }}], '') end as {{ delivered_name(column.name) }}
        {%- endfor %}
    from (
        select
            *,
            case
                when broken is not null then broken
                when len(fields) <> {{ batch.columns | length }}
                    then concat(len(fields), ' fields where the header has {{ batch.columns | length }}')
            end as unreadable
        from (
            select *, case when broken is null then {{ duckdb__split_record('record') }} end as fields
            from (
                select
                    *,
                    case
                        when flaw is not null then flaw
                        when contains(record, '"') and not regexp_full_match(record, '{{ csv_record() }}')
                            then 'a quote stands where CSV allows none'
                        when contains(record, '"') and contains(record, {{ duckdb__cut() }})
                            then 'control characters 31, 30, 31 beside quotes'
                    end as broken
                from ({{ duckdb__csv_records(batch.files) }}) as records
            ) as checked
        ) as split
    ) as counted
{%- endmacro %}

{% macro duckdb__parquet_rows(batch) -%}
    select
        facts.file_no as _file_no,
        delivered.file_row_number + 1 as _line,
        facts.too_late as _too_late,
        cast(null as varchar) as _unreadable,
        cast(null as varchar) as _raw
        {%- for column in batch.columns %},
        {{ duckdb__blank_as_null('delivered.' ~ adapter.quote(column.name), column.type) }} as {{ delivered_name(column.name) }}
        {%- endfor %}
    from read_parquet(
        {{ sql_texts(batch.files | map(attribute='path') | list) }},
        filename = true, file_row_number = true, hive_partitioning = false
    ) as delivered
    inner join {{ duckdb__file_facts(batch.files) }} on delivered.filename = facts.path
{%- endmacro %}

{% macro duckdb__model_rows(batch) -%}
    select
        1 as _file_no,
        row_number() over () as _line,
        timestamp '{{ batch.too_late }}' as _too_late,
        {{ adapter.quote('rejected_because') if 'rejected_because' in batch.columns | map(attribute='name') else 'cast(null as varchar)' }} as _unreadable,
        cast(null as varchar) as _raw
        {%- for column in batch.columns if column.name != 'rejected_because' %},
        {{ duckdb__blank_as_null(adapter.quote(column.name), column.type) }} as {{ delivered_name(column.name) }}
        {%- endfor %}
    from {{ batch.relation }}
{%- endmacro %}

{% macro duckdb__blank_as_null(column, type) -%}
    {{ "nullif(" ~ column ~ ", '')" if type == 'VARCHAR' else column }}
{%- endmacro %}

{% macro delivered_name(name) -%} {{ adapter.quote('d_' ~ name) }} {%- endmacro %}
