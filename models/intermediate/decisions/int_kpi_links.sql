{%- set rows = [] -%}
{%- for kpi in kpi_definitions() -%}
    {%- do rows.append([kpi.kpi_id, 'family', kpi.family]) -%}
    {%- for term in [kpi.numerator_term or kpi.kpi_id, kpi.denominator_term] if term -%}
        {%- do rows.append([kpi.kpi_id, 'term', term]) -%}
    {%- endfor -%}
    {%- for table in kpi.source_tables -%}
        {%- do rows.append([kpi.kpi_id, 'source', table]) -%}
    {%- endfor -%}
    {%- for other in kpi.get('pairs_with', []) -%}
        {%- do rows.append([kpi.kpi_id, 'pair', other]) -%}
    {%- endfor -%}
{%- endfor -%}

select
    given.kpi_id,
    given.kind,
    given.name
from (
    values
    {% for row in rows -%}
        ('{{ row | join("', '") }}'){{ ',' if not loop.last }}
    {% else -%}
        ('', '', '')
    {% endfor -%}
) as given (kpi_id, kind, name)
where given.kpi_id <> ''
