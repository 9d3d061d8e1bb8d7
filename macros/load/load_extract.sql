{# The body of a staging model: where its rows come from. The materialization `extract` reads and judges them.

   Native extracts are files, found at run time, so the SQL names none. With another connector the rows are those of its
   model stg_<connector>__<table>; a table the connector does not list stays empty. #}
{% macro load_extract() -%}
    {%- if reads_files(model.name) -%}
-- The rows of the delivered files, see macros/load/materialization_extract.sql.
    {%- elif connector_model(model.name) -%}
select * from {{ ref(connector_model(model.name)) }}
    {%- else -%}
-- The connector {{ setting('connector') }} has no such table.
    {%- endif -%}
{%- endmacro %}


{# Whether a model of this name reads delivered files itself: every raw_ model does, a stg_ model in native mode. #}
{% macro reads_files(model_name) -%}
    {{- return(setting('connector') == 'native' or model_name.startswith('raw_')) -}}
{%- endmacro %}


{# The connector's model behind a stg_ model, none when the connector lacks the table. #}
{% macro connector_model(model_name) -%}
    {%- set connector = setting('connector') -%}
    {%- if connector not in var('connectors') -%}
        {{ exceptions.raise_compiler_error(
            "The connector '" ~ connector ~ "' is unknown; there are native, " ~ var('connectors').keys() | join(', ')
        ) }}
    {%- endif -%}
    {%- set table = model_name.removeprefix('stg_') -%}
    {{- return('stg_' ~ connector ~ '__' ~ table if table in var('connectors')[connector]['tables'] else none) -}}
{%- endmacro %}


{# Whether a table of the contract was delivered: a file of it is there, or the connector has the table and the file
   behind it (config.meta.delivered_by of its model) is there. A KPI that needs a table which was not delivered has no
   value. Before execution every table counts as delivered. #}
{% macro is_delivered(table) -%}
    {%- if not execute -%}
        {{- return(true) -}}
    {%- elif setting('connector') == 'native' -%}
        {{- return(list_files(table) | length > 0) -}}
    {%- endif -%}
    {%- set model_of_table = model_node(connector_model('stg_' ~ table)) -%}
    {%- set model_of_file = model_node(model_of_table.config.meta.delivered_by) if model_of_table -%}
    {{- return(model_of_file is mapping and list_files(extract_name(model_of_file)) | length > 0) -}}
{%- endmacro %}


{# The graph node of a model by its name, none when there is no such model. #}
{% macro model_node(name) -%}
    {{- return(graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', name) | first | default(none)) -}}
{%- endmacro %}


{# The tables of the extracts contract; each has its model stg_<table> in models/staging/native. #}
{% macro extract_tables() -%}
    {{- return([
        'customers', 'sellers', 'seller_status_events', 'products', 'offers',
        'orders', 'order_lines', 'payments', 'returns', 'refunds', 'claims', 'reviews', 'seller_fees', 'operating_costs',
        'exchange_rates',
        'events', 'ad_spend', 'leads', 'experiments', 'features', 'experiment_assignments',
        'support_tickets', 'survey_invitations', 'feed_coverage',
    ]) -}}
{%- endmacro %}
