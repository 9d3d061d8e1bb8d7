{{ config(materialized='view') }}

with features as (
    select
        feature,
        {{ business_day('released_at') }} as released_on
    from {{ ref('stg_features') }}
),

days as (
    select
        visitor_id,
        started_on,
        lag(started_on) over (partition by visitor_id order by started_on) as previous_on
    from {{ ref('int_sessions') }}
)

select
    days.visitor_id,
    features.feature,
    days.started_on,
    case when days.previous_on >= greatest(features.released_on, span.span_start) then days.previous_on end as previous_on
from days
cross join {{ ref('int_span') }} as span
inner join features on days.started_on >= features.released_on
-- a day of several sessions once
where days.previous_on is null or days.previous_on < days.started_on
