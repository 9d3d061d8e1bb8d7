{#- A visitor that came before the first release only has no rows here. -#}
{{ keep_by_visitor(
    now="select visitor_id, " ~ digest_of('sessions') ~ " as digest"
    ~ " from (select visitor_id, session_key, started_on, made_of from {{ ref('int_sessions') }}) as sessions"
    ~ " group by visitor_id having max(started_on) >= (select min({{ business_day('released_at') }}) from {{ ref('stg_features') }})",
    held="select visitor_id, any_value(made_of) as digest from {{ this }} group by visitor_id",
    beside=['stg_features'],
) }}

with features as (
    select
        feature,
        {{ business_day('released_at') }} as released_on
    from {{ ref('stg_features') }}
),

sessions as (
    select
        visitor_id,
        session_key,
        started_on,
        made_of
    from {{ ref('int_sessions') }}
    {{ of_touched_visitors() }}
),

visitors as (
    select
        visitor_id,
        {{ digest_of('sessions') }} as made_of
    from sessions
    group by visitor_id
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
    uses.feature is not null as is_used,
    visitors.made_of
from visitor_days
inner join features on visitor_days.started_on >= features.released_on
inner join visitors on visitor_days.visitor_id = visitors.visitor_id
left join uses
    on visitor_days.visitor_id = uses.visitor_id
    and visitor_days.started_on = uses.started_on
    and features.feature = uses.feature
