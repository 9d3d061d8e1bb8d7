{# What no one can know: int_kpi_gaps, applied to the family marts. #}

{# Leaves a spec out when each KPI with a term of it lacks an input: what is not there shows no segments. #}
{% macro kpi_where_some_input(spec, users) -%}
    {%- set named = [] -%}
    {%- for term in spec.terms -%}
        {%- do named.extend(users.get(term, ['']) | reject('in', named)) -%}
    {%- endfor -%}
    {%- if '' not in named -%}
        where (
            select count(distinct kpi_id) from gaps
            where is_absent and kpi_id in ('{{ named | join("', '") }}')
        ) < {{ named | length }}
    {%- endif -%}
{%- endmacro %}


{#
The end of a family mart: the rows of `shown` with every KPI missing in the periods in which it has no value (int_kpi_gaps), and
every term in those in which none of the KPIs that divide it has one.
#}
{% macro kpi_without_gaps(family) %}
    {%- set columns = mart_columns(family) -%}
    {%- set users = kpis_by_column() -%}
    {%- set groups = [] -%}
    {%- for column in columns if users.get(column, []) and users[column] not in groups -%}
        {%- do groups.append(users[column]) -%}
    {%- endfor -%}
{%- if groups -%}
lacking as (
    select
        period_grain,
        period_start,
        {% for kpis in groups -%}
            count(case when kpi_id in ('{{ kpis | join("', '") }}') then 1 end) = {{ kpis | length }} as lacks_{{ loop.index }}{{ ',' if not loop.last }}
        {% endfor -%}
    from gaps
    group by period_grain, period_start
)

select
    {% for column in columns -%}
        {%- if users.get(column, []) -%}
            case when not coalesce(lacking.lacks_{{ groups.index(users[column]) + 1 }}, false) then shown.{{ column }} end as {{ column }}
        {%- else -%}
            shown.{{ column }}
        {%- endif -%}
        {{ ',' if not loop.last }}
    {% endfor -%}
from shown
left join lacking
    on shown.period_grain = lacking.period_grain
    and shown.period_start = lacking.period_start
{%- else -%}
unchanged as (
    select * from shown
)

select * from unchanged
{%- endif -%}
{% endmacro %}


{# The columns of a family mart, as its YAML lists them; none while the project is parsed and in unit tests. #}
{% macro mart_columns(family) %}
    {%- set mart = graph.get('nodes', {}).get('model.marketplace_kpis.kpi_' ~ family) if execute else none -%}
    {{- return(mart.columns.keys() | list if mart else []) -}}
{% endmacro %}
