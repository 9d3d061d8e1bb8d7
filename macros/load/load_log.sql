{# The load log: what the latest run of each staging model read, kept, rejected and superseded, file by file. The marts
   load_audit and rejected_rows publish it. #}

{% macro load_log_relation(name) %}
    {{- return(api.Relation.create(database=target.database, schema='load', identifier=name, type='table')) -}}
{% endmacro %}


{# Creates the log where it is missing and forgets tables the project no longer loads (on-run-start). #}
{% macro create_load_log() %}
    {%- if execute -%}
        {%- set tables = [] -%}
        {%- for node in extract_nodes() -%}{%- do tables.append(extract_name(node)) -%}{%- endfor -%}
        {%- do adapter.create_schema(load_log_relation('file_log')) -%}
        {%- call statement('create_load_log') -%}
            create table if not exists {{ load_log_relation('file_log') }} (
                run_id varchar, table_name varchar, file_name varchar, rows_read bigint, rows_loaded bigint,
                rows_rejected bigint, rows_superseded bigint, unknown_columns varchar, loaded_at timestamp
            );
            create table if not exists {{ load_log_relation('rejected_log') }} (
                run_id varchar, table_name varchar, file_name varchar, row_number bigint, reason varchar,
                column_name varchar, row_content varchar, rejected_at timestamp
            );
            {%- for log in ['file_log', 'rejected_log'] %}
            delete from {{ load_log_relation(log) }} where table_name not in ({{ sql_texts(tables)[1:-1] }});
            {%- endfor %}
        {%- endcall -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{% endmacro %}


{# The models that load extracts, as graph nodes, in the order of their names. #}
{% macro extract_nodes() %}
    {%- set nodes = [] -%}
    {%- for node in graph.nodes.values() if node.config.materialized == 'extract' -%}{%- do nodes.append(node) -%}{%- endfor -%}
    {{- return(nodes | sort(attribute='name')) -}}
{% endmacro %}


{# Replaces what the log says of one table by this run. A rejected row is named by its line when it could not be read,
   else by its place among the readable rows of its file. #}
{% macro write_load_log(node, batches, read, judged, left_out, as_view) %}
    {%- set table_name = sql_text(extract_name(node)) -%}
    {%- set run = sql_text(invocation_id) -%}
    {%- set now = "timestamp '" ~ modules.datetime.datetime.now(modules.pytz.utc).strftime('%Y-%m-%d %H:%M:%S') ~ "'" -%}
    {%- set files = [] -%}
    {%- for batch in batches -%}{%- do files.extend(batch.files) -%}{%- endfor -%}
    {%- call statement('forget_load') -%}
        {%- for log in ['file_log', 'rejected_log'] %}
        delete from {{ load_log_relation(log) }} where table_name = {{ table_name }};
        {%- endfor %}
    {%- endcall -%}
    {%- if files -%}
        {%- call statement('log_load') -%}
            {%- set file_list -%}
                (
                    values
                    {%- for file in files %}
                    ({{ file.file_no }}, {{ sql_text(file.name) }}, {{ read[file.file_no] }}, {{ sql_text(file.unknown | join(', ')) if file.unknown else 'null' }}){{ ',' if not loop.last }}
                    {%- endfor %}
                ) as files (file_no, file_name, rows_read, unknown_columns)
            {%- endset %}
            insert into {{ load_log_relation('rejected_log') }}
            select {{ run }}, {{ table_name }}, file_name, {{ 'left_out._line' if as_view else 'case when _readable then place else left_out._line end' }}, _reason, _column, _content, {{ now }}
            from {{ left_out }} as left_out
            inner join {{ file_list }} on left_out._file_no = files.file_no
            {%- if not as_view %}
            inner join (
                select
                    _file_no,
                    _line,
                    sum(case when _readable then 1 else 0 end)
                        over (partition by _file_no order by _line rows unbounded preceding) as place
                from {{ judged }}
                where _file_no in (select _file_no from {{ left_out }} where _reason is not null)
            ) as places on left_out._file_no = places._file_no and left_out._line = places._line
            {%- endif %}
            where _reason is not null;

            insert into {{ load_log_relation('file_log') }}
            select
                {{ run }}, {{ table_name }}, file_name, rows_read,
                rows_read - coalesce(rows_rejected, 0) - coalesce(rows_superseded, 0),
                coalesce(rows_rejected, 0), coalesce(rows_superseded, 0), unknown_columns, {{ now }}
            from {{ file_list }}
            left join (
                select
                    _file_no,
                    sum(case when _reason is not null then 1 else 0 end) as rows_rejected,
                    sum(case when _reason is null then 1 else 0 end) as rows_superseded
                from {{ left_out }}
                group by _file_no
            ) as counts on files.file_no = counts._file_no
        {%- endcall -%}
    {%- endif -%}
{% endmacro %}
