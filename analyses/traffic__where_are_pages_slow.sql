-- On which pages do visitors wait, and is it getting worse?
-- The three latest complete months against the three before, from sums: a mean of monthly rates would give a quiet month
-- the weight of a busy one.
with months as (
    select
        *,
        dense_rank() over (order by period_start desc) as age
    from {{ ref('kpi_traffic') }}
    where period_grain = 'month' and dimension = 'page_type' and not is_partial
),

compared as (
    select
        dimension_value as page_type,
        sum(case when age <= 3 then fast_page_views end) as fast,
        sum(case when age <= 3 then timed_page_views end) as timed,
        sum(case when age between 4 and 6 then fast_page_views end) as fast_before,
        sum(case when age between 4 and 6 then timed_page_views end) as timed_before
    from months
    group by dimension_value
)

select
    page_type,
    timed as page_views,
    timed - fast as slow_page_views,
    round({{ ratio('fast', 'timed') }}, 3) as fast_share,
    round({{ ratio('fast', 'timed') }} - {{ ratio('fast_before', 'timed_before') }}, 3) as change
from compared
order by slow_page_views desc, page_type
