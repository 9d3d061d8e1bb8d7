with features as (
    select
        feature,
        {{ business_day('released_at') }} as released_on
    from {{ ref('stg_features') }}
),

sessions as (
    select
        session_key,
        visitor_id,
        started_on
    from {{ ref('int_sessions') }}
),

visitor_days as (
    select distinct
        visitor_id,
        started_on
    from sessions
),

uses as (
    select distinct
        sessions.visitor_id,
        sessions.started_on,
        events.feature
    from {{ ref('int_events') }} as events
    inner join sessions on events.session_key = sessions.session_key
    inner join features
        on events.feature = features.feature
        and {{ business_day('events.occurred_at') }} >= features.released_on
    where events.event_name = 'feature_use'
)

select
    visitor_days.visitor_id,
    features.feature,
    {{ joined_key('visitor_days.visitor_id', 'features.feature') }} as visitor_feature,
    visitor_days.started_on,
    uses.feature is not null as is_used
from visitor_days
inner join features on visitor_days.started_on >= features.released_on
left join uses
    on visitor_days.visitor_id = uses.visitor_id
    and visitor_days.started_on = uses.started_on
    and features.feature = uses.feature
