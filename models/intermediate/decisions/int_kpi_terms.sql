{%- set rows = [] -%}
{%- set metrics = metrics_by_name() -%}
{%- for kpi in kpi_definitions() -%}
    {%- for term in [kpi.numerator_term or kpi.kpi_id, kpi.denominator_term] if term -%}
        {%- set day = kpi.get('dated_by') or '' -%}
        {%- set said = metrics[term].config.meta.get('term') if term in metrics else none -%}
        {%- set dated_by = (said or {}).get('dated_by', day) -%}
        {#- "30 days to period end" is a window; "period end" (a stock) and "180 to 359 days before period end" are none -#}
        {%- set words = dated_by.split(' days to period end') -%}
        {%- set is_rolling = day == 'rolling' or day.endswith('period end') -%}
        {%- do rows.append([kpi.kpi_id, term, is_rolling, words[0] if words | length == 2 else 'null']) -%}
    {%- endfor -%}
{%- endfor -%}

select
    given.kpi_id,
    given.term,
    given.is_rolling,
    cast(given.window_days as bigint) as window_days
from (
    values
    {% for row in rows -%}
        ('{{ row[0] }}', '{{ row[1] }}', {{ row[2] }}, {{ row[3] }}){{ ',' if not loop.last }}
    {% else -%}
        ('', '', false, null)
    {% endfor -%}
) as given (kpi_id, term, is_rolling, window_days)
where given.kpi_id <> ''
