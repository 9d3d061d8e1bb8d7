-- an experiment has the end, and the KPI, of its control: the first by name where there are several
with numbered as (
    select
        *,
        row_number() over (
            partition by experiment
            order by case when is_control then 0 else 1 end, variant
        ) as position
    from {{ ref('stg_experiments') }}
),

controls as (
    select
        numbered.experiment,
        numbered.variant,
        numbered.kpi_id,
        coalesce(numbered.ended_at > span.as_of_end, true) as is_running,
        least(coalesce(numbered.ended_at, span.as_of_end), span.as_of_end) as end_at
    from numbered
    cross join {{ ref('int_span') }} as span
    where numbered.position = 1 and numbered.is_control
)

select
    numbered.experiment,
    numbered.variant,
    controls.variant as control,
    controls.kpi_id,
    cast(numbered.expected_share as double) as expected_share,
    controls.end_at,
    controls.is_running
from numbered
inner join controls on numbered.experiment = controls.experiment
