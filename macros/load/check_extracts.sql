{# Looks at the extracts before anything is built: what is there, what is missing, what cannot be read, which KPIs have
   what they need. Warns of unknown columns, and stops with one message that lists every problem. Runs before each build
   (`quiet`: warnings and problems only) and alone, table by table: dbt run-operation check_extracts. #}
{% macro check_extracts(quiet=false) %}
    {%- if not execute -%}{{- return('') -}}{%- endif -%}
    {%- set problems = [] -%}
    {%- set delivered = {} -%}
    {%- for node in extract_nodes() if reads_files(node.name) -%}
        {%- set extract = extract_name(node) -%}
        {%- set columns = contract_columns(node) -%}
        {%- set files = examine_files(list_files(extract), columns, headers_only=true) -%}
        {%- set required = node.config.meta.get('required', false) -%}
        {%- if files -%}
            {%- do delivered.update({extract: files}) -%}
        {%- elif required -%}
            {%- do problems.append(
                'the required table ' ~ extract ~ ' is missing: no ' ~ extract ~ '.csv, .csv.gz, .parquet or folder ' ~ extract
                ~ ' of such files in ' ~ setting('extracts_dir') ~ '; ' ~ nearest_names(extract, list_folder())
            ) -%}
        {%- endif -%}
        {%- for file in files -%}
            {#- One line can mislead, for instance when the header is not UTF-8: look at the whole file before complaining. -#}
            {%- if file_problems(file, node, columns) -%}
                {%- do examine_files([file], columns) -%}
            {%- endif -%}
            {%- do problems.extend(file_problems(file, node, columns)) -%}
            {%- if file.refused -%}
                {%- do exceptions.warn(file.name ~ ' is ' ~ file.refused ~ ': all its rows will be rejected') -%}
            {%- elif file.unknown -%}
                {%- do exceptions.warn(file.name ~ ' has columns that are not in the contract, ignored: ' ~ file.unknown | join(', ')) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not quiet -%}
            {%- do print('%-28s %s' | format(extract, describe_files(files) if files else ('MISSING' if required else 'not delivered'))) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not quiet -%}
        {%- do print_kpis_without_value(delivered) -%}
    {%- endif -%}
    {%- if pii_key() == default_pii_key() and not setting('extracts_dir').rstrip('/').endswith('extracts/sample') -%}
        {%- do exceptions.warn('PII_KEY is not set: personal values are hashed with a key that anyone can read in the project') -%}
    {%- endif -%}
    {%- if problems -%}
        {{ exceptions.raise_compiler_error('The extracts cannot be loaded:\n  ' ~ problems | join('\n  ')) }}
    {%- endif -%}
{% endmacro %}


{% macro describe_files(files) -%}
    {%- set total = namespace(bytes=0) -%}
    {%- for file in files -%}{%- set total.bytes = total.bytes + file.size -%}{%- endfor -%}
    {{- return(files | length ~ (' files, ' if files | length > 1 else ' file, ') ~ total.bytes | filesizeformat) -}}
{%- endmacro %}


{# Prints how many KPIs have what they need, and what the others lack. A need is a table, or table.column. #}
{% macro print_kpis_without_value(delivered) %}
    {%- set lacking = {} -%}
    {%- set kpis = namespace(all=0, fed=0) -%}
    {%- for kpi in kpi_definitions() -%}
        {%- set lacks = [] -%}
        {%- for need in kpi.needs if not need_is_delivered(need, delivered) -%}
            {%- do lacks.append(need) -%}
        {%- endfor -%}
        {%- set kpis.all = kpis.all + 1 -%}
        {%- if lacks -%}
            {%- do lacking.setdefault(lacks | join(', '), []).append(kpi.kpi_id) -%}
        {%- else -%}
            {%- set kpis.fed = kpis.fed + 1 -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do print(kpis.fed ~ ' of ' ~ kpis.all ~ ' KPIs have the tables and columns they need.') -%}
    {%- for needs, names in lacking.items() -%}
        {%- do print('  without ' ~ needs ~ ', no value: ' ~ names | sort | join(', ')) -%}
    {%- endfor -%}
{% endmacro %}

{% macro need_is_delivered(need, delivered) %}
    {%- set table = need.split('.')[0] -%}
    {%- if setting('connector') != 'native' -%}
        {{- return(is_delivered(table)) -}}
    {%- endif -%}
    {%- set found = namespace(need=table in delivered and '.' not in need) -%}
    {%- for file in delivered.get(table, []) -%}
        {%- if need.split('.')[1:] and need.split('.')[1] in file.columns | map(attribute='name') | list -%}
            {%- set found.need = true -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found.need) -}}
{% endmacro %}
