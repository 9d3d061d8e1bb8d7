with actions as (
    select
        *,
        case when dimension is null or dimension_value is null or dimension = 'all' then 'all' else dimension end as of_dimension,
        case when dimension is null or dimension_value is null or dimension = 'all' then 'all' else dimension_value end as of_value
    from {{ ref('stg_action_log') }}
),

phases as (
    select
        action_id,
        {% for phase in ['before', 'during', 'after'] -%}
            max(case when phase = '{{ phase }}' then value end) as {{ phase }},
        {% endfor -%}
        min(case when is_over then 1 else 0 end) = 1 as are_over,
        min(case when is_in_span or not is_over then 1 else 0 end) = 1 as are_in_span,
        min(case when is_covered or not is_over or not is_in_span then 1 else 0 end) = 1 as are_covered
    from {{ ref('int_action_values') }}
    group by action_id
),

measured as (
    select
        actions.*,
        kpis.direction,
        phases.before,
        phases.during,
        phases.after,
        phases.during - phases.before as change,
        case
            when kpis.kpi_id is null then 'unknown_kpi'
            when not kpis.is_additive then 'not_additive'
            when actions.of_dimension in ('seller', 'campaign') then 'no_days_by_segment'
            when
                actions.of_dimension <> 'all'
                and instr(concat(' ', kpis.dimensions, ' '), concat(' ', actions.of_dimension, ' ')) = 0
                then 'unknown_dimension'
            when phases.action_id is null then 'ends_before_start'
            when not phases.are_over then 'too_early'
            when not phases.are_in_span then 'outside_span'
            when not phases.are_covered then 'not_covered'
        end as note
    from actions
    left join {{ ref('dim_kpi') }} as kpis on actions.kpi_id = kpis.kpi_id
    left join phases on actions.action_id = phases.action_id
)

select
    action_id,
    kpi_id,
    of_dimension as dimension,
    of_value as dimension_value,

    -- what was done
    action,
    owner,
    status,
    expected_effect,
    decided_on,
    starts_on,
    ends_on,

    -- what came of it
    {% for column in ['before', 'during', 'after', 'change'] -%}
        case when coalesce(note, '') <> 'unknown_dimension' then {{ column }} end as {{ column }},
    {% endfor -%}
    case when coalesce(note, '') <> 'unknown_dimension' then {{ is_better('change', 'direction') }} end as is_better,
    note
from measured
