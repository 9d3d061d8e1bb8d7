{#
The one data test of a model: its key is unique, its required columns are filled, its listed columns hold listed values.
One row per broken rule, with the number of rows that break it and the key of one of them.

  key       columns that together identify a row (nulls count as one value)
  required  columns that are never null (default: the key); a published table says them in its contract (not_null)
  values    column -> the values it may hold, beside null
#}
{% test keys_hold(model, key, required=none, values={}) %}

{%- set contract = graph.nodes.get('model.marketplace_kpis.' ~ model.identifier, {}).get('columns', {}) if execute else {} -%}
{%- set in_contract = contract.values() | map(attribute='constraints') | sum(start=[]) -%}
{%- set filled = [] if in_contract else key if required is none else required -%}
{%- set one_row -%}
    concat({% for column in key %}coalesce(cast({{ column }} as {{ dbt.type_string() }}), 'null'){{ ", ' / ', " if not loop.last }}{% endfor %})
{%- endset %}

with repeated as (
    select {{ key | join(', ') }}
    from {{ model }}
    group by {{ key | join(', ') }}
    having count(*) > 1
),

{%- set rules = [] -%}
{%- for column in filled -%}
    {%- do rules.append(('missing: ' ~ column, column ~ ' is null')) -%}
{%- endfor -%}
{%- for column, allowed in values.items() -%}
    {%- do rules.append(('unlisted value: ' ~ column, column ~ " not in ('" ~ allowed | join("', '") ~ "')")) -%}
{%- endfor %}

{% if rules -%}
counted as (
    select
        {% for _, condition in rules -%}
            count_if({{ condition }}) as broken_{{ loop.index }},
            min(case when {{ condition }} then {{ one_row }} end) as row_{{ loop.index }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ model }}
),

{% endif -%}
broken as (
    select
        'duplicate key: {{ key | join(", ") }}' as rule,
        count(*) as broken_rows,
        min({{ one_row }}) as one_row
    from repeated
    {% for rule, _ in rules -%}
        union all
        select
            '{{ rule }}' as rule,
            broken_{{ loop.index }} as broken_rows,
            row_{{ loop.index }} as one_row
        from counted
    {% endfor %}
)

select * from broken
where broken_rows > 0

{% endtest %}
