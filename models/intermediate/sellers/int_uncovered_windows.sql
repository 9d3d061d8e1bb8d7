-- A need is covered on a day when one of its feeds is; a need that a table which is no feed can meet always is.
with needs as (
    select needs.*
    from {{ ref('int_kpi_needs') }} as needs
    inner join {{ ref('int_inputs') }} as inputs on needs.input = inputs.need
    where inputs.is_present
),

hanging as (
    select
        kpi_id,
        need
    from needs
    group by kpi_id, need
    having count(*) = count(feed)
),

uncovered_days as (
    select distinct
        kpi_id,
        date_day
    from (
        select
            needs.kpi_id,
            needs.need,
            days.date_day
        from needs
        inner join hanging on needs.kpi_id = hanging.kpi_id and needs.need = hanging.need
        inner join {{ ref('int_feed_days') }} as days on needs.feed = days.feed
        group by needs.kpi_id, needs.need, days.date_day
        having max(case when days.is_covered then 1 else 0 end) = 0
    ) as need_days
)

select distinct
    uncovered_days.kpi_id,
    windows.window_days,
    windows.evaluated_on
from uncovered_days
inner join {{ ref('int_evaluation_windows') }} as windows on uncovered_days.date_day = windows.date_day
