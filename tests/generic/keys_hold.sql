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
    min(concat({% for column in key %}coalesce(cast({{ column }} as {{ dbt.type_string() }}), 'null'){{ ", ' / ', " if not loop.last }}{% endfor %}))
{%- endset %}

with rows_to_check as (
    select * from {{ model }}
),

broken as (
    select
        'duplicate key: {{ key | join(", ") }}' as rule,
        count(*) as broken_rows,
        min(duplicated) as one_row
    from (
        select {{ one_row }} as duplicated
        from rows_to_check
        group by {{ key | join(', ') }}
        having count(*) > 1
    ) as duplicates
    {% for column in filled -%}
        union all
        select
            'missing: {{ column }}' as rule,
            count(*) as broken_rows,
            {{ one_row }} as one_row
        from rows_to_check
        where {{ column }} is null
    {% endfor -%}
    {% for column, allowed in values.items() -%}
        union all
        select
            'unlisted value: {{ column }}' as rule,
            count(*) as broken_rows,
            {{ one_row }} as one_row
        from rows_to_check
        where {{ column }} not in ('{{ allowed | join("', '") }}')
    {% endfor %}
)

select * from broken
where broken_rows > 0

{% endtest %}
