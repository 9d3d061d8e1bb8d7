{#- One scan of each table that a need names or that is a feed: how many rows it has of what, day by day of a feed. -#}
{%- set days = feed_days() -%}
{%- do days.update(days_only_said()) -%}
{%- set inputs = {} -%}
{%- for table in days -%}
    {%- do inputs.update({table: [{'input': table, 'column': none, 'value': none}]}) -%}
{%- endfor -%}
{%- if execute -%}
    {%- for input in inputs_of(needs_named()) if input not in days -%}
        {%- set named = parse_input(input) -%}
        {%- do inputs.setdefault(named.table, []).append(named) -%}
    {%- endfor -%}
{%- endif -%}
{%- set scans = [] -%}
{%- for table, named in inputs.items() -%}
    {%- for day in days.get(table, [none]) -%}
        {%- do scans.append({
            'name': table ~ '_by_' ~ day if day else table, 'table': table, 'day': day,
            'inputs': named if loop.first else named[:1],
        }) -%}
    {%- endfor -%}
{%- endfor -%}

{% for table in input_tables() -%}
    -- depends_on: {{ ref('stg_' ~ table) }}
{% endfor %}
with
{% for scan in scans -%}
    {%- set row_day = scan.day if not scan.day or scan.day.endswith('_date') else business_day(scan.day) -%}
    {{ scan.name }} as (
        select
            {{ row_day or 'cast(null as date)' }} as row_day,
            {% for named in scan.inputs -%}
                {%- if named.value -%}
                    count_if(cast({{ named.column }} as {{ dbt.type_string() }}) = '{{ named.value }}')
                {%- else -%}
                    count({{ named.column or '*' }})
                {%- endif %} as rows_{{ loop.index }}{{ ',' if not loop.last }}
            {% endfor -%}
        from {{ ref('stg_' ~ scan.table) }}
        {% if scan.table == 'events' -%}
            where not coalesce(is_bot, false)
        {% elif scan.day -%}
            where {{ scan.day }} is not null
        {% endif -%}
        {% if row_day -%}
            group by {{ row_day }}
        {%- endif %}
    ){{ ',' if not loop.last }}

{% endfor -%}

select
    input,
    feed,
    row_day,
    cast(loaded_rows as bigint) as loaded_rows
from (
    {% for scan in scans -%}
        {%- set outer = loop -%}
        {%- for named in scan.inputs -%}
            select
                '{{ named.input }}' as input,
                {% if scan.day %}'{{ scan.table }}.{{ scan.day }}'{% else %}cast(null as {{ dbt.type_string() }}){% endif %} as feed,
                row_day,
                rows_{{ loop.index }} as loaded_rows
            from {{ scan.name }}
            {{ 'union all' if not (loop.last and outer.last) }}
        {% endfor -%}
    {%- endfor -%}
) as counted
where loaded_rows > 0
