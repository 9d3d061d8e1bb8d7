{# Counts, after a run that loaded staging models, the rows whose `refers_to` column names something that is not there.
   Such rows are kept (only an order line waits for its order), so this is a warning. #}
{% macro warn_of_broken_references(results) %}
    {%- if not execute -%}{{- return('') -}}{%- endif -%}
    {%- set loaded = [] -%}
    {%- for result in results if result.node.config.materialized == 'extract' and result.status == 'success' -%}
        {%- do loaded.append(result.node.name) -%}
    {%- endfor -%}
    {%- set counts = [] -%}
    {%- for node in extract_nodes() if loaded -%}
        {%- for column in node.columns.values() if column.config.meta.get('refers_to') -%}
            {%- set target_name = column.config.meta.refers_to -%}
            {%- set pointing = load_relation(api.Relation.create(database=node.database, schema=node.schema, identifier=node.name)) -%}
            {%- set present = load_relation(api.Relation.create(database=node.database, schema=node.schema, identifier=target_name)) -%}
            {%- if pointing and present and (node.name in loaded or target_name in loaded) -%}
                {%- do counts.append(
                    "select '" ~ node.name ~ '.' ~ column.name ~ ' of {} rows is not in ' ~ target_name ~ "' as finding, count(*) as broken from "
                    ~ pointing ~ ' as pointing where pointing.' ~ column.name ~ ' is not null and not exists (select 1 from '
                    ~ present ~ ' as present where present.' ~ column.name ~ ' = pointing.' ~ column.name ~ ')'
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if counts -%}
        {%- for row in query_rows(counts | join(' union all ')) if row.broken > 0 -%}
            {%- do exceptions.warn(row.finding.format(row.broken)) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
