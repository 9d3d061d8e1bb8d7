{%- set rows = [] -%}
{%- for kpi in kpi_definitions() if execute -%}
    {#- A custom KPI counts what its terms count, however early it is said to be complete. -#}
    {%- set maturity_days = [kpi.maturity_days, kpi.get('maturity_days_of_terms', 0)] | max -%}
    {%- for need in kpi.needs -%}
        {%- set later = namespace(days=0) -%}
        {%- for input in need.split('|') if counts_later_rows(parse_input(input).table, kpi) -%}
            {%- set later.days = maturity_days -%}
        {%- endfor -%}
        {%- for input in need.split('|') -%}
            {%- do rows.append([kpi.kpi_id, need, input, feed_of(parse_input(input).table, kpi), later.days]) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endfor -%}

select
    given.kpi_id,
    given.need,
    given.input,
    nullif(given.feed, '') as feed,
    cast(given.later_days as bigint) as later_days
from (
    values
    {% for row in rows -%}
        ('{{ row[0] }}', '{{ row[1] }}', '{{ row[2] }}', '{{ row[3] or "" }}', {{ row[4] }}){{ ',' if not loop.last }}
    {% else -%}
        ('', '', '', '', 0)
    {% endfor -%}
) as given (kpi_id, need, input, feed, later_days)
where given.kpi_id <> ''
