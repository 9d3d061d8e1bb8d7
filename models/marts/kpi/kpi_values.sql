with
{% for family in kpi_families() -%}
    {{ family }} as (
        select * from {{ ref('kpi_' ~ family) }}
    ),

{% endfor -%}
present as (
    select input from {{ ref('int_inputs') }}
    where is_present
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
            -- a KPI one of whose inputs is absent has no terms at all, whatever its mart shows
            {% for term, column in terms.items() -%}
                {%- set typed = 'cast(' ~ column ~ ' as ' ~ ('bigint' if term == 'sample_size' else 'double') ~ ')' -%}
                {%- if kpi.needs -%}
                    case when (select count(*) from present where present.input in ('{{ kpi.needs | join("', '") }}')) = {{ kpi.needs | length }} then {{ typed }} end
                {%- else -%}
                    {{ typed }}
                {%- endif %} as {{ term }}{{ ',' if not loop.last }}
            {% endfor -%}
        from {% if is_custom %}({{ custom_kpi_rows(kpi) }}) as {{ kpi.kpi_id }}{% else %}{{ kpi.family }}{% endif %}
        where dimension in ('{{ (['all'] + kpi.dimensions) | join("', '") }}')
        {{ 'union all' if not loop.last }}
    {% else -%}
        select * from span
    {% endfor -%}
)

select
    unpivoted.kpi_id,
    unpivoted.family,
    unpivoted.period_grain,
    unpivoted.period_start,
    unpivoted.dimension,
    unpivoted.dimension_value,
    unpivoted.numerator,
    unpivoted.denominator,
    unpivoted.value,
    unpivoted.sample_size,
    unpivoted.maturity_days is null
    or {{ add_days('unpivoted.period_end', 'unpivoted.maturity_days') }} <= span.as_of as is_mature,
    unpivoted.is_partial
from unpivoted
cross join span
