{#
What a KPI needs (needs of its metric), and whether it is there. A need is one of, or several of them joined by | (alternatives):

  reviews                    the table: some row of it is loaded
  order_lines.accepted_at    the column: not null in some row
  ad_spend.audience=buyers   a kind of row: some row has the value
  events:purchase            short for events.event_name=purchase

Rows of bots are left out, whatever the day of a row. models/intermediate/int_inputs answers.
#}

{# The tables that a need may name: those of the contract that hold facts, each in its model stg_<table>. #}
{% macro input_tables() %}
    {{- return([
        'customers', 'sellers', 'seller_status_events', 'products', 'offers', 'orders', 'order_lines', 'payments', 'returns',
        'refunds', 'claims', 'reviews', 'seller_fees', 'operating_costs', 'events', 'ad_spend', 'leads', 'experiments',
        'experiment_assignments', 'features', 'support_tickets', 'survey_invitations',
    ]) -}}
{% endmacro %}


{# The tables that are feeds and the columns of their days, the usual one first. A feed covers some days and not others; every
   other table covers all of them. Seller fees are no feed: that they ended is only said. #}
{% macro feed_days() %}
    {{- return({
        'payments': ['attempted_at'],
        'returns': ['requested_at'],
        'refunds': ['refunded_at'],
        'claims': ['opened_at', 'decided_at'],
        'reviews': ['created_at'],
        'operating_costs': ['cost_date'],
        'events': ['occurred_at'],
        'ad_spend': ['spend_date'],
        'leads': ['created_at'],
        'support_tickets': ['opened_at'],
        'survey_invitations': ['sent_at', 'answered_at'],
    }) -}}
{% endmacro %}

{% macro days_only_said() -%} {{- return({'seller_fees': ['charged_at']}) -}} {%- endmacro %}


{# The feed a KPI hangs on through a table, as table.column; none where the table is no feed. #}
{% macro feed_of(table, kpi) %}
    {%- set columns = feed_days().get(table) -%}
    {%- if not columns -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set by_end = (table == 'claims' and 'decision day' in kpi.dated_by) or (table == 'survey_invitations' and 'answer day' in kpi.dated_by) -%}
    {{- return(table ~ '.' ~ columns[1 if by_end else 0]) -}}
{% endmacro %}


{# Whether the numerator of a cohort KPI counts rows of a table that come after the period. #}
{% macro counts_later_rows(table, kpi) -%}
    {{- return(
        kpi.mode == 'cohort'
        and (table in ['returns', 'refunds', 'claims', 'reviews', 'payments'] or (table == 'events' and kpi.dated_by == 'cart creation day'))
    ) -}}
{%- endmacro %}


{# What ties visitors to buyers: without it no channel of an order can be known (fct_orders). #}
{% macro tie_of_visitors_to_buyers() -%} {{- return('events.customer_id|events.order_id|orders.session_id') -}} {%- endmacro %}


{# One alternative of a need as table, column and value (the last two none where it names none); none when it is malformed. #}
{% macro parse_input(input) %}
    {%- set found = modules.re.fullmatch('([a-z][a-z0-9_]*)(?:\\.([a-z][a-z0-9_]*)(?:=([a-z0-9_]+))?)?', input | replace('events:', 'events.event_name=')) -%}
    {{- return({'input': input, 'table': found[1], 'column': found[2], 'value': found[3]} if found else none) -}}
{% endmacro %}


{# The inputs that some needs name, once each: the alternatives of all of them. #}
{% macro inputs_of(needs) %}
    {%- set inputs = [] -%}
    {%- for need in needs -%}
        {%- do inputs.extend(need.split('|') | reject('in', inputs)) -%}
    {%- endfor -%}
    {{- return(inputs) -}}
{% endmacro %}


{# Every need of some KPI, and those of the facts themselves, once each. #}
{% macro needs_named() %}
    {%- set needs = [tie_of_visitors_to_buyers(), 'order_lines.accepted_at'] -%}
    {%- for kpi in kpi_definitions() -%}
        {%- do needs.extend(kpi.needs | reject('in', needs)) -%}
    {%- endfor -%}
    {{- return(needs) -}}
{% endmacro %}


{# Stops with one message that names each KPI with a need that names nothing known: no such table, column or value, or not
   written as a need. #}
{% macro refuse_unknown_needs(kpis) %}
    {%- set contracts = {} -%}
    {%- for table in input_tables() -%}
        {%- do contracts.update({table: contract_of(table).columns}) -%}
    {%- endfor -%}
    {%- set problems = [] -%}
    {%- for kpi in kpis -%}
        {%- for input in inputs_of(kpi.needs) -%}
            {%- set named = parse_input(input) -%}
            {%- set columns = contracts.get(named.table) if named else none -%}
            {%- set values = ((columns or {}).get(named.column) or {}).get('config', {}).get('meta', {}).get('values') if named else none -%}
            {%- set problem = (
                'is no table, table.column, table.column=value or events:event_name' if not named
                else 'there is no table ' ~ named.table if columns is none
                else named.table ~ ' has no column ' ~ named.column if named.column and named.column not in columns
                else named.column ~ ' is one of ' ~ values | join(', ') if named.value and values and named.value not in values
            ) -%}
            {%- if problem -%}
                {%- do problems.append(kpi.kpi_id ~ ' needs ' ~ input ~ ': ' ~ problem) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if problems -%}
        {{ exceptions.raise_compiler_error('KPIs that need something unknown:\n  ' ~ problems | join('\n  ')) }}
    {%- endif -%}
{% endmacro %}
