with features as (
    select
        feature,
        {{ business_day('released_at') }} as released_on
    from {{ ref('stg_features') }}
)

select distinct
    sessions.visitor_id,
    events.feature,
    {{ joined_key('sessions.visitor_id', 'events.feature') }} as visitor_feature,
    sessions.started_on
from {{ ref('int_events') }} as events
inner join {{ ref('int_sessions') }} as sessions on events.session_key = sessions.session_key
inner join features
    on events.feature = features.feature
    and sessions.started_on >= features.released_on
    and {{ business_day('events.occurred_at') }} >= features.released_on
where events.event_name = 'feature_use'
