{# What DuckDB can say about delivered files before their rows are read.

   A CSV file is read as physical lines, one text column, quoting off, so that nothing the parser does with quotes,
   ragged rows or line ends can lose a row: records are put together by macros/engine/load_rows.sql. #}

{# The delivered files of one extract, in the order in which later ones supersede earlier ones (dt, file name):
   dictionaries with path, name (relative to the extracts folder), format (csv, parquet), is_compressed, size in bytes,
   dt (of the dt= folder, else null), dt_is_date, and too_late: two days after the delivery, which is dt, else the day the
   file was written (UTC); what is said to have happened by then cannot be true. #}
{% macro list_files(extract) %}
    {{- return(adapter.dispatch('list_files', 'marketplace_kpis')(extract)) -}}
{% endmacro %}

{% macro duckdb__list_files(extract) %}
    {%- set folder = setting('extracts_dir').rstrip('/') -%}
    {%- set places = [] -%}
    {%- for ending in ['.csv', '.csv.gz', '.parquet', '/**'] -%}
        {%- do places.append(folder ~ '/' ~ extract ~ ending) -%}
    {%- endfor -%}
    {#- Asked about no file at all, read_blob has no columns. -#}
    {%- if not query_rows('select file from glob(' ~ sql_texts(places) ~ ') limit 1') -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set query -%}
        select
            filename as path,
            substr(filename, {{ (folder | length) + 2 }}) as name,
            case when filename like '%.parquet' then 'parquet' else 'csv' end as format,
            filename like '%.gz' as is_compressed,
            size,
            nullif(regexp_extract(filename, '/dt=([^/]*)/', 1), '') as dt,
            try_cast(nullif(regexp_extract(filename, '/dt=([^/]*)/', 1), '') as date) is not null as dt_is_date,
            coalesce(
                try_cast(nullif(regexp_extract(filename, '/dt=([^/]*)/', 1), '') as date),
                cast(timezone('UTC', last_modified) as date)
            ) + 2 as too_late
        from read_blob({{ sql_texts(places) }}, allow_empty = true)
        where
            regexp_matches(filename, '[.](csv|csv[.]gz|parquet)$')
            and not regexp_matches(parse_filename(filename), '^[._]')
        order by dt nulls first, name
    {%- endset -%}
    {{- return(query_rows(query)) -}}
{% endmacro %}


{# The names in the extracts folder, without what follows the first dot. #}
{% macro list_folder() %}
    {{- return(adapter.dispatch('list_folder', 'marketplace_kpis')()) -}}
{% endmacro %}

{% macro duckdb__list_folder() %}
    {%- set places = setting('extracts_dir').rstrip('/') ~ '/*' -%}
    {%- set query -%}
        select distinct split_part(parse_filename(file), '.', 1) as name from glob({{ sql_text(places) }}) order by name
    {%- endset -%}
    {{- return(query_rows(query) | map(attribute='name') | list) -}}
{% endmacro %}


{# The table function that yields the physical lines of CSV files, in order, blank ones as null.
   paired   a carriage return with its line feed ends one line; otherwise each of the two ends a line, so that a pair
            leaves a blank line behind
   buffer   bytes read at a time, where the default is not to be trusted
   strict   stop at lines that are not UTF-8; otherwise they are missing
   keep_unreadable   a table of this session that takes them (one file only)
   DuckDB 2.0 loses or repeats lines where its buffers meet when it reads in parallel, and also when it reads pairs:
   hence one thread, and pairs are only believed when they agree with single ends (duckdb__judge_lines). #}
{% macro duckdb__read_lines(paths, paired=false, buffer=none, strict=false, keep_unreadable=none) -%}
    read_csv(
        {{ sql_texts(paths) }}, columns = {'line': 'varchar'}, auto_detect = false, header = false, strict_mode = false,
        delim = '{{ "\x01\x02\x03\x04" }}', quote = '', escape = '', new_line = '{{ "\\r\\n" if paired else "\\n" }}',
        parallel = false, filename = true,
        {%- if buffer %}
        buffer_size = {{ buffer }},
        {%- endif %}
        {%- if keep_unreadable %}
        store_rejects = true, rejects_table = '{{ keep_unreadable }}', rejects_scan = '{{ keep_unreadable }}_scans'
        {%- else %}
        ignore_errors = {{ not strict }}
        {%- endif %}
    )
{%- endmacro %}

{% macro duckdb__numbered_lines(paths, paired=false, buffer=none, strict=false) -%}
    (
        select filename, line, row_number() over () as place
        from {{ duckdb__read_lines(paths, paired, buffer, strict) }}
    ) as numbered
{%- endmacro %}


{# The header of each CSV file by path, from its first filled line in UTF-8 alone: header (names, none when malformed),
   refused (why no row of the file counts, as far as one line tells). A file without such a line is not in the answer. #}
{% macro csv_headers(files) %}
    {{- return(adapter.dispatch('csv_headers', 'marketplace_kpis')(files)) -}}
{% endmacro %}

{% macro duckdb__csv_headers(files) %}
    {%- set found = {} -%}
    {%- if files -%}
        {%- set query -%}
            select path, line, {{ duckdb__header_names('line') }} as names
            from (
                {%- for file in files %}
                (
                    select {{ sql_text(file.path) }} as path, line
                    from {{ duckdb__read_lines([file.path]) }}
                    where line is not null
                    limit 1
                )
                {{- ' union all' if not loop.last }}
                {%- endfor %}
            ) as first_lines
        {%- endset -%}
        {%- for row in query_rows(query) -%}
            {%- set refused = not_utf8_text(row.line) -%}
            {%- do found.update({row.path: {'header': none if refused else row.names, 'refused': refused}}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(found) -}}
{% endmacro %}

{% macro mixed_line_ends() -%}
    {{- return('mixed line ends: CR LF in some places, LF or CR in others') -}}
{%- endmacro %}

{# Why a header line is not that of a text file in UTF-8, or none. #}
{% macro not_utf8_text(line) -%}
    {{- return('UTF-16 or binary, not UTF-8' if '\x00' in line else none) -}}
{%- endmacro %}


{# One field of a CSV record, and a record, in RFC 4180 form, as regular expressions. #}
{% macro csv_field() -%} (?:"(?:[^"]|"")*"|[^",]*) {%- endmacro %}
{% macro csv_record() -%} (?:{{ csv_field() }},)*{{ csv_field() }} {%- endmacro %}


{# The fields of a well-formed CSV record as a list of text, quotes removed. Commas between fields are those outside
   quotes: every second piece of the record cut at its quotes. #}
{% macro duckdb__split_record(record) -%}
    case
        when not contains({{ record }}, '"') then string_split({{ record }}, ',')
        else list_transform(
            string_split(
                array_to_string(
                    list_transform(
                        string_split({{ record }}, '"'),
                        lambda piece, place: case when place % 2 = 1 then replace(piece, ',', {{ duckdb__cut() }}) else piece end
                    ),
                    '"'
                ),
                {{ duckdb__cut() }}
            ),
            lambda field: case when starts_with(field, '"') then replace(field[2:-2], '""', '"') else field end
        )
    end
{%- endmacro %}

{# A mark that delivered text does not hold; a quoted record that does is not split, so the split stays exact. #}
{% macro duckdb__cut() -%} concat(chr(31), chr(30), chr(31)) {%- endmacro %}


{# Whether a line that begins outside quotes ends inside a quoted field. #}
{% macro duckdb__opens_quote(line) -%}
    regexp_full_match({{ line }}, '(?:{{ csv_field() }},)*"(?:[^"]|"")*')
{%- endmacro %}


{# The names of a header line as a list, null when it is not well-formed CSV. #}
{% macro duckdb__header_names(line) -%}
    case when regexp_full_match({{ line }}, '{{ csv_record() }}') then {{ duckdb__split_record(line) }} end
{%- endmacro %}


{# What the physical lines of CSV files say, by path, before any row is read:
   header      the names of the header, none when it is malformed
   paired, buffer   how the lines are to be read (duckdb__read_lines)
   lines, header_place   lines as read, and which one is the header
   step        lines read per physical line: 2 where every line ends with a pair and pairs are not read as one
   unreadable  the table of this session that holds lines DuckDB cannot read (not UTF-8), or none
   multi_line  whether a record may go over several lines
   rows        records below the header, none when the file is refused
   refused     why no row of the file counts, or none
   A file without any line is not in the answer. Stops when the lines of a file do not add up to its size. #}
{% macro examine_csv(files) %}
    {{- return(adapter.dispatch('examine_csv', 'marketplace_kpis')(files)) -}}
{% endmacro %}

{% macro duckdb__examine_csv(files) %}
    {%- set found = {} -%}
    {%- set scans = duckdb__scan_lines(files) -%}
    {%- set pairs = duckdb__scan_pairs(files) -%}
    {%- for file in files -%}
        {%- set scan = {
            'lines': 0, 'filled_lines': 0, 'bytes': 0, 'opening_lines': 0, 'header_place': 0,
            'paired_lines': 0, 'paired_bytes': 0, 'paired_header_place': 0,
            'unreadable_lines': 0, 'unreadable_bytes': 0, 'unreadable_opening_lines': 0,
        } -%}
        {%- do scan.update(scans.get(file.path, {})) -%}
        {%- do scan.update(pairs.get(file.path, {})) -%}
        {%- if file.is_compressed or not duckdb__adds_up(file, scan) -%}
            {%- do scan.update(duckdb__scan_unreadable(file)) -%}
        {%- endif -%}
        {%- if not file.is_compressed and not duckdb__adds_up(file, scan) -%}
            {{ exceptions.raise_compiler_error(
                file.name ~ ' has ' ~ file.size ~ ' bytes, but its ' ~ scan.lines ~ ' lines add up to '
                ~ (file.size - duckdb__bytes_left(file, scan)) ~ ': it changed while it was read, or holds the bytes 01 02 03 04'
            ) }}
        {%- endif -%}
        {%- if scan.lines + scan.unreadable_lines > 0 -%}
            {%- do found.update({file.path: duckdb__judge_lines(file, scan)}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for path, verdict in found.items() if verdict.multi_line and verdict.header -%}
        {%- do verdict.update(duckdb__judge_records(path, verdict)) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}


{# Counts of lines by path, every carriage return and every line feed ending one. #}
{% macro duckdb__scan_lines(files) %}
    {%- set query -%}
        select
            *,
            {{ duckdb__header_names('header') }} as names
        from (
            select
                filename as path,
                count(*) as lines,
                count(line) as filled_lines,
                coalesce(sum(strlen(line)), 0) as bytes,
                coalesce(min(place) filter (where line is not null) - min(place) + 1, 0) as header_place,
                arg_min(line, place) filter (where line is not null) as header,
                count(*) filter (where contains(line, '"') and {{ duckdb__opens_quote('line') }}) as opening_lines
            from {{ duckdb__numbered_lines(files | map(attribute='path') | list) }}
            group by all
        ) as counted
    {%- endset -%}
    {{- return(duckdb__by_path(query) if files else {}) -}}
{% endmacro %}


{# Counts of lines by path, a carriage return with its line feed ending one line. #}
{% macro duckdb__scan_pairs(files, buffer=none) %}
    {%- set query -%}
        select
            filename as path,
            count(*) as paired_lines,
            coalesce(sum(strlen(line)), 0) as paired_bytes,
            coalesce(min(place) filter (where line is not null) - min(place) + 1, 0) as paired_header_place
        from {{ duckdb__numbered_lines(files | map(attribute='path') | list, paired=true, buffer=buffer) }}
        group by all
    {%- endset -%}
    {{- return(duckdb__by_path(query) if files else {}) -}}
{% endmacro %}

{% macro duckdb__by_path(query) %}
    {%- set found = {} -%}
    {%- for row in query_rows(query) -%}
        {%- do found.update({row.path: row}) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}


{# Whether the lines of a plain file account for each of its bytes: every line has one separator character, the last
   line may lack it, and a byte order mark (3 bytes) is not counted as text. #}
{% macro duckdb__adds_up(file, scan) -%}
    {{- return(duckdb__bytes_left(file, scan) in [-1, 0, 2, 3]) -}}
{%- endmacro %}

{% macro duckdb__bytes_left(file, scan) -%}
    {{- return(file.size - scan.bytes - scan.lines - scan.unreadable_bytes - scan.unreadable_lines) -}}
{%- endmacro %}


{# The lines of one file that DuckDB cannot read: the table that keeps them (none when there are none), how many, their
   bytes, those that open a quoted field, and the first one. #}
{% macro duckdb__scan_unreadable(file) %}
    {%- set table = duckdb__keep_unreadable(file.path) -%}
    {%- set query -%}
        select
            case when count(*) > 0 then '{{ table }}' end as unreadable,
            count(*) as unreadable_lines,
            coalesce(sum(strlen(csv_line)), 0) as unreadable_bytes,
            count(*) filter (where contains(csv_line, '"') and {{ duckdb__opens_quote('csv_line') }}) as unreadable_opening_lines,
            min(line) as first_unreadable,
            arg_min(csv_line, line) as first_unreadable_text
        from {{ table }}
    {%- endset -%}
    {{- return(query_rows(query)[0]) -}}
{% endmacro %}

{# Keeps the lines of one file that DuckDB cannot read in a table of this session, and returns its name. Columns: line
   (their number), csv_line (their text with ? for each byte that is not UTF-8), error_type. #}
{% macro duckdb__keep_unreadable(path, paired=false, buffer=none) %}
    {%- set table = ('unreadable_paired_' if paired else 'unreadable_') ~ local_md5(path) -%}
    {%- do run_query('drop table if exists ' ~ table) -%}
    {%- do run_query('drop table if exists ' ~ table ~ '_scans') -%}
    {%- do run_query('select count(*) from ' ~ duckdb__read_lines([path], paired, buffer, keep_unreadable=table)) -%}
    {{- return(table) -}}
{% endmacro %}


{# What the counts of one file say of its line ends, its encoding and its header. #}
{% macro duckdb__judge_lines(file, scan) %}
    {%- set ends = duckdb__line_ends(file, scan) -%}
    {%- set buffer = none if ends.alike else [scan.bytes + scan.lines + scan.unreadable_bytes + scan.unreadable_lines + 4, 2 ** 25] | max -%}
    {%- if buffer -%}
        {#- Line ends of several kinds, or lines lost where buffers meet: one buffer for the whole file tells. -#}
        {%- do scan.update(duckdb__scan_pairs([file], buffer)[file.path]) -%}
        {%- set ends = duckdb__line_ends(file, scan) -%}
    {%- endif -%}
    {%- set multi_line = scan.opening_lines + scan.unreadable_opening_lines > 0 -%}
    {%- set paired = ends.pairs > 0 and ends.lone == 0 and (multi_line or not ends.alike) -%}
    {%- set mixed = not ends.alike and not 0 < ends.lone == ends.line_ends -%}
    {%- set unreadable_header = scan.unreadable and scan.first_unreadable <= scan.header_place -%}
    {%- set refused = not_utf8_text(scan.first_unreadable_text if unreadable_header else scan.header or '') -%}
    {%- if not refused and unreadable_header -%}
        {%- set refused = 'the header line is not UTF-8' -%}
    {%- elif not refused and mixed and (not multi_line or (ends.pairs > 0 and ends.lone > 0)) -%}
        {%- set refused = mixed_line_ends() -%}
    {%- endif -%}
    {{- return({
        'header': none if refused else scan.names,
        'paired': paired,
        'buffer': buffer,
        'lines': (scan.paired_lines if paired else scan.lines) + scan.unreadable_lines,
        'header_place': scan.first_unreadable if unreadable_header else scan.paired_header_place if paired else scan.header_place,
        'step': 2 if ends.pairs > 0 and ends.alike and not paired else 1,
        'unreadable': duckdb__keep_unreadable(file.path, paired, buffer) if scan.unreadable and paired else scan.unreadable,
        'unreadable_unpaired': scan.unreadable,
        'multi_line': multi_line,
        'rows': none if refused or multi_line else scan.filled_lines + scan.unreadable_lines - 1,
        'refused': refused,
        'mixed': mixed,
        'lone': ends.lone,
    }) -}}
{% endmacro %}

{# CR LF pairs, lone carriage returns and line ends in all, and whether they are all LF or all CR LF. #}
{% macro duckdb__line_ends(file, scan) %}
    {%- set pairs = scan.lines - scan.paired_lines -%}
    {%- set lone = scan.bytes - scan.paired_bytes -%}
    {%- set lines = scan.lines + scan.unreadable_lines -%}
    {%- set unended = lines - 2 * pairs == 1 if file.is_compressed else duckdb__bytes_left(file, scan) in [-1, 2] -%}
    {%- set line_ends = lines - pairs - (1 if unended else 0) -%}
    {{- return({'pairs': pairs, 'lone': lone, 'line_ends': line_ends, 'alike': lone == 0 and pairs in [0, line_ends]}) -}}
{% endmacro %}


{# Of a file whose records may go over several lines: its rows, or why it is refused. #}
{% macro duckdb__judge_records(path, verdict) %}
    {%- set file = {'path': path, 'file_no': 1, 'too_late': '2101-01-01', 'csv': verdict} -%}
    {%- set query -%}
        with records as ({{ duckdb__csv_records([file]) }})

        select
            count(*) as records,
            sum(breaks) as breaks,
            min(line_no) filter (
                where unclosed or (breaks > 0 and not regexp_full_match(record, '{{ csv_record() }}'))
            ) as open_line,
            min(line_no) filter (
                where breaks > 1
                and len({{ duckdb__split_record('record') }}) <> {{ verdict.header | length }}
                and list_contains(
                    list_transform(string_split(record, chr(10))[2:-2], lambda line: len(string_split(line, ','))),
                    {{ verdict.header | length }}
                )
            ) as swallowing_line
        from records
    {%- endset -%}
    {%- set found = query_rows(query)[0] -%}
    {%- if found.open_line -%}
        {{- return({'refused': 'a quote opened in the record on line ' ~ found.open_line ~ ' is never closed'}) -}}
    {%- elif found.swallowing_line -%}
        {{- return({'refused': 'a quoted field of the record on line ' ~ found.swallowing_line ~ ' runs over whole records'}) -}}
    {%- elif verdict.mixed and (verdict.lone > (found.breaks or 0) or (verdict.paired and duckdb__record_ends_differ(file))) -%}
        {{- return({'refused': mixed_line_ends()}) -}}
    {%- endif -%}
    {{- return({'rows': found.records}) -}}
{% endmacro %}


{# Whether some records of a file end with CR LF and others with LF. Read one character at a time, a CR LF pair leaves
   a blank line behind: the blank lines after each filled line (the header is number 0), counted in both readings, tell the
   pairs from the rest. #}
{% macro duckdb__record_ends_differ(file) %}
    {%- set query -%}
        with paired as (
            select
                count(line) over (order by line_no) as filled,
                line is null as is_blank,
                ends_inside
            from ({{ duckdb__stated_lines([file]) }}) as stated
        ),

        single as (
            select count(line) over (order by place) - 1 as filled, line is null as is_blank
            from ({{ duckdb__delivered_lines([file.path], unreadable=file.csv.unreadable_unpaired) }}) as delivered
        ),

        ends as (
            select
                filled,
                sum(case when is_blank then 1 else 0 end) + 1 as breaks,
                bool_or(ends_inside and not is_blank) as inside
            from paired
            group by filled
        ),

        blanks as (
            select filled, sum(case when is_blank then 1 else 0 end) as blanks from single group by filled
        )

        select
            sum(blanks - breaks + 1) as pairs,
            sum(2 * breaks - blanks - 1) filter (where filled < (select max(filled) from ends)) as others
        from ends
        inner join blanks using (filled)
        where filled > 0 and not inside
    {%- endset -%}
    {%- set found = query_rows(query)[0] -%}
    {{- return(found.pairs > 0 and found.others > 0) -}}
{% endmacro %}
