-- Every day of every window, so that days meet the evaluations they count for by equality.
with windows as (
    select distinct window_days from {{ ref('int_seller_kpis') }}
),

evaluations as (
    select * from {{ ref('int_evaluation_days') }}
),

bounds as (
    select
        least(
            min({{ add_days('evaluations.evaluated_on', '1 - windows.window_days') }}),
            min(evaluations.evaluated_on)
        ) as first_day,
        max(evaluations.evaluated_on) as last_day
    from windows
    cross join evaluations
),

days as (
    {{ every_day('first_day', 'last_day', 'bounds') }}
),

judged as (
    select
        windows.window_days,
        days.date_day,
        evaluations.evaluated_on,
        evaluations.is_as_of,
        days.date_day > {{ add_days('evaluations.evaluated_on', '-floor(windows.window_days / 2)') }} as is_recent
    from windows
    cross join evaluations
    inner join days
        on days.date_day > {{ add_days('evaluations.evaluated_on', '-windows.window_days') }}
        and days.date_day <= evaluations.evaluated_on
)

select
    window_days,
    date_day,
    evaluated_on,
    is_recent,
    false as is_since_step
from judged
union all
-- once more at as_of, over what came after the seller's last step
select
    window_days,
    date_day,
    evaluated_on,
    is_recent,
    true as is_since_step
from judged
where is_as_of
