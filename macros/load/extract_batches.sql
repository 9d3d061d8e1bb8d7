{# What there is to read of an extract, in batches that one query reads alike: dictionaries with kind (csv, refused,
   parquet, model), columns (name and type as delivered) and files. Each file has a file_no, by which later files
   supersede earlier ones, its rows where they are known before reading, and its unknown columns.
   Stops when a file breaks the contract as a whole: no bytes, no readable header, a required column missing. #}
{% macro extract_batches(node, columns) %}
    {%- if reads_files(node.name) -%}
        {{- return(file_batches(node, columns)) -}}
    {%- elif connector_model(node.name) -%}
        {{- return([model_batch(ref(connector_model(node.name)), columns)]) -}}
    {%- endif -%}
    {{- return([]) -}}
{% endmacro %}

{% macro file_batches(node, columns) %}
    {%- set files = examine_files(list_files(extract_name(node)), columns) -%}
    {%- set problems = [] -%}
    {%- set batches = {} -%}
    {%- for file in files -%}
        {%- do problems.extend(file_problems(file, node, columns)) -%}
        {%- if file.columns or file.refused -%}
            {%- set alike = [
                file.format, file.refused is not none, file.columns,
                file.csv.paired, file.csv.buffer, file.csv.step, file.csv.multi_line, file.csv.unreadable,
            ] | string -%}
            {%- set kind = 'refused' if file.refused else file.format -%}
            {%- do batches.setdefault(alike, {'kind': kind, 'columns': file.columns, 'files': []}).files.append(file) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if problems -%}
        {{ exceptions.raise_compiler_error(problems | join('\n')) }}
    {%- endif -%}
    {{- return(batches.values() | list) -}}
{% endmacro %}

{% macro model_batch(relation, columns) %}
    {%- set delivered = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do delivered.append({'name': column.name, 'type': column.dtype}) -%}
    {%- endfor -%}
    {%- set too_late = (modules.datetime.datetime.now(modules.pytz.utc) + modules.datetime.timedelta(days=2)).strftime('%Y-%m-%d') -%}
    {%- set names = delivered | map(attribute='name') | list -%}
    {%- set file = {'file_no': 1, 'name': relation.identifier, 'rows': none, 'unknown': unknown_columns(names, columns)} -%}
    {{- return({'kind': 'model', 'relation': relation, 'columns': delivered, 'files': [file], 'too_late': too_late}) -}}
{% endmacro %}


{# Listed files with what is known before their rows are read: columns (none where no header can be read), refused,
   rows, unknown. With `headers_only`, CSV files are judged by their first line and their rows stay unknown. #}
{% macro examine_files(files, columns, headers_only=false) %}
    {%- set texts = files | selectattr('format', 'equalto', 'csv') | selectattr('size') | list -%}
    {%- set csv = csv_headers(texts) if headers_only else examine_csv(texts) -%}
    {%- set parquet = examine_parquet(files | selectattr('format', 'equalto', 'parquet') | selectattr('size') | list) -%}
    {%- for file in files -%}
        {%- set lines = csv.get(file.path, {}) -%}
        {%- set delivered = parquet[file.path].columns if file.path in parquet else text_columns(lines.header if not lines.refused) -%}
        {%- do file.update({
            'file_no': loop.index,
            'csv': lines,
            'columns': delivered,
            'refused': lines.refused or none,
            'rows': parquet[file.path].rows if file.path in parquet else lines.rows,
            'unknown': unknown_columns(delivered | map(attribute='name') | list, columns),
        }) -%}
    {%- endfor -%}
    {{- return(files) -}}
{% endmacro %}

{% macro text_columns(names) %}
    {%- set columns = [] -%}
    {%- for name in names or [] -%}{%- do columns.append({'name': name, 'type': 'text'}) -%}{%- endfor -%}
    {{- return(columns) -}}
{% endmacro %}

{% macro unknown_columns(names, columns) %}
    {{- return(names | reject('in', columns | map(attribute='source') | list + ['rejected_because']) | list) -}}
{% endmacro %}


{# What is wrong with a file as a whole, as messages: a list, empty when its rows can be read. #}
{% macro file_problems(file, node, columns) %}
    {%- set problems = [] -%}
    {%- set names = file.columns | map(attribute='name') | list -%}
    {%- if file.dt is not none and not file.dt_is_date -%}
        {%- do problems.append(file.name ~ ': the folder dt=' ~ file.dt ~ ' is not a day (dt=YYYY-MM-DD)') -%}
    {%- endif -%}
    {%- if file.size == 0 or (file.format == 'csv' and not file.csv) -%}
        {%- if file.size == 0 or node.config.meta.get('required', false) -%}
            {%- do problems.append(file.name ~ ': empty file, not even a header') -%}
        {%- endif -%}
    {%- elif not names and not file.refused -%}
        {%- do problems.append(file.name ~ ': the header line is not well-formed CSV') -%}
    {%- elif names -%}
        {%- for name in names | unique if names | select('equalto', name) | list | length > 1 -%}
            {%- do problems.append(file.name ~ ': the header has the column ' ~ (name or "''") ~ ' more than once') -%}
        {%- endfor -%}
        {%- for column in columns if column.required and column.source not in names -%}
            {%- do problems.append(
                file.name ~ ': the required column ' ~ column.source ~ ' is missing; ' ~ nearest_names(column.source, names)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(problems) -}}
{% endmacro %}


{# What a message says of the names found instead of one: those that share most with it, else all. #}
{% macro nearest_names(wanted, names) -%}
    {%- set near = [] -%}
    {%- for name in names -%}
        {%- set plain = name | lower | replace(' ', '_') | replace('-', '_') -%}
        {%- if plain in wanted or wanted in plain or plain | replace('_', '') == wanted | replace('_', '') -%}
            {%- do near.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return('found instead: ' ~ ((near or names) | join(', ') or 'nothing')) -}}
{%- endmacro %}
