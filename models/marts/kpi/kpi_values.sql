with
{% for family in kpi_families() -%}
    {{ family }} as (
        select * from {{ ref('kpi_' ~ family) }}
    ),

{% endfor -%}
gaps as (
    select * from {{ ref('int_kpi_gaps') }}
),

span as (
    select as_of from {{ ref('int_span') }}
),

unpivoted as (
    {% for kpi in kpi_definitions() -%}
        {%- set is_percentile = kpi.measure == 'percentile' -%}
        {%- set is_custom = kpi.get('is_custom') -%}
        {%- set terms = {
            'numerator': 'numerator', 'denominator': 'denominator', 'value': ratio('numerator', 'denominator'),
            'sample_size': 'denominator' if kpi.sample_size else 'null',
        } if is_custom else {
            'numerator': kpi.numerator_term or ('null' if is_percentile else kpi.kpi_id),
            'denominator': kpi.denominator_term or 'null',
            'value': kpi.kpi_id,
            'sample_size': kpi.kpi_id ~ '_n' if is_percentile else kpi.sample_size or 'null',
        } -%}
        select
            '{{ kpi.kpi_id }}' as kpi_id,
            '{{ kpi.family }}' as family,
            {{ kpi_keys() }},
            {{ kpi.maturity_days if kpi.mode == 'cohort' else 'cast(null as integer)' }} as maturity_days,
            {% for term, column in terms.items() -%}
                cast({{ column }} as {{ 'bigint' if term == 'sample_size' else 'double' }}) as {{ term }}{{ ',' if not loop.last }}
            {% endfor -%}
        from {% if is_custom %}({{ custom_kpi_rows(kpi) }}) as {{ kpi.kpi_id }}{% else %}{{ kpi.family }}{% endif %}
        where dimension in ('{{ (['all'] + kpi.dimensions) | join("', '") }}')
        {{ 'union all' if not loop.last }}
    {% else -%}
        select * from span
    {% endfor -%}
)

-- what cannot be known has no terms, whatever a mart shows for other KPIs
select
    unpivoted.kpi_id,
    unpivoted.family,
    unpivoted.period_grain,
    unpivoted.period_start,
    unpivoted.dimension,
    unpivoted.dimension_value,
    {% for term in ['numerator', 'denominator', 'value', 'sample_size'] -%}
        case when gaps.kpi_id is null then unpivoted.{{ term }} end as {{ term }},
    {% endfor -%}
    unpivoted.maturity_days is null
    or {{ add_days('unpivoted.period_end', 'unpivoted.maturity_days') }} <= span.as_of as is_mature,
    unpivoted.is_partial,
    gaps.kpi_id is null as is_covered
from unpivoted
cross join span
left join gaps
    on unpivoted.kpi_id = gaps.kpi_id
    and unpivoted.period_grain = gaps.period_grain
    and unpivoted.period_start = gaps.period_start
