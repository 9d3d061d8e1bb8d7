{%- set texts = [
    'family', 'label_en', 'label_fr', 'description', 'formula', 'unit', 'format', 'direction', 'numerator', 'denominator',
    'dated_by', 'mode', 'owner', 'review_cadence', 'kind', 'objective', 'action_when_bad', 'scope',
] -%}
{%- set lists = ['dimensions', 'audience', 'pairs_with', 'source_tables', 'needs'] -%}

with definitions as (
    {% for kpi in kpi_definitions() -%}
        select
            '{{ kpi.kpi_id }}' as kpi_id,
            {% for column in texts -%}
                {% if kpi.get(column) %}'{{ kpi[column] | replace("'", "''") }}'{% else %}cast(null as {{ dbt.type_string() }}){% endif %} as {{ column }},
            {% endfor -%}
            {% for column in lists -%}
                '{{ kpi.get(column, []) | join(" ") }}' as {{ column }},
            {% endfor -%}
            {{ kpi.maturity_days }} as maturity_days,
            {{ kpi.get('is_custom', false) }} as is_custom,
            {{ kpi.is_additive }} as is_additive
        {{ 'union all' if not loop.last }}
    {% else -%}
        select 'none' as kpi_id
    {% endfor -%}
),

latest as (
    select
        kpi_id,
        period_start,
        value,
        row_number() over (partition by kpi_id order by period_start desc) as recency
    from {{ ref('kpi_values') }}
    where
        period_grain = 'month'
        and dimension = 'all'
        and not is_partial
        and is_mature
        and value is not null
),

with_data as (
    select distinct kpi_id from {{ ref('kpi_values') }}
    where value is not null
)

select
    definitions.kpi_id,
    {% for column in texts -%}
        definitions.{{ column }},
    {% endfor -%}
    {% for column in lists -%}
        definitions.{{ column }},
    {% endfor -%}
    cast(definitions.maturity_days as bigint) as maturity_days,
    definitions.is_custom,
    definitions.is_additive,
    with_data.kpi_id is not null as has_data,
    latest.period_start as last_month,
    latest.value as last_value
from definitions
left join with_data on definitions.kpi_id = with_data.kpi_id
left join latest on definitions.kpi_id = latest.kpi_id and latest.recency = 1
