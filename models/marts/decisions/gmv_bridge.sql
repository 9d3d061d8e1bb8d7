with components as (
    {% for bridge in ['traffic', 'buyers'] -%}
        select
            '{{ bridge }}' as bridge,
            period_grain,
            period_start,
            compared_with,
            component,
            contribution
        from {{ ref('int_gmv_bridge_' ~ bridge) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    components.bridge,
    components.period_grain,
    components.period_start,
    components.compared_with,
    components.component,
    components.contribution,
    pairs.gmv_before,
    pairs.gmv_after
from components
inner join {{ ref('int_gmv_bridge_pairs') }} as pairs
    on components.period_grain = pairs.period_grain
    and components.period_start = pairs.period_start
    and components.compared_with = pairs.compared_with
