{{ keep_by_visitor(
    now="select visitor_id, " ~ digest_of('events') ~ " as digest from {{ ref('int_events') }} as events group by visitor_id",
    held="select visitor_id, made_of as digest from {{ this }}",
    beside=['channel_rules'],
) }}

with events as (
    select * from {{ ref('int_events') }}
    {{ of_touched_visitors() }}
),

sessions as (
    select
        session_key,
        min(visitor_id) as visitor_id,
        min(session_id) as session_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        {{ first_by(['source', 'medium', 'campaign_id', 'device', 'country', 'region'], 'occurred_at', 'event_id') }} as first_event,
        count_if(event_name = 'page_view') as views,
        count_if(event_name = 'product_view') as product_views,
        count_if(event_name = 'search') as searches,
        count_if(event_name = 'add_to_cart') as cart_additions,
        count_if(event_name = 'begin_checkout') as checkouts,
        count_if(event_name = 'purchase') as purchases,
        {{ digest_of('events') }} as made_of
    from events
    group by session_key
),

described as (
    select
        *,
        first_event.source as source,
        first_event.medium as medium,
        {{ business_day('started_at') }} as started_on,
        row_number() over (partition by visitor_id order by started_at, session_id nulls last) = 1 as is_first_of_visitor
    from sessions
),

rules as (
    select * from {{ ref('channel_rules') }}
),

pairs as (
    select distinct
        source,
        medium
    from described
),

-- the first rule that matches source and medium
matched as (
    select
        pairs.source,
        pairs.medium,
        rules.channel,
        rules.is_paid,
        row_number() over (partition by pairs.source, pairs.medium order by rules.rule_order) as match_order
    from pairs
    inner join rules
        on {{ matches_pattern('pairs.source', 'rules.source_pattern') }}
        and {{ matches_pattern('pairs.medium', 'rules.medium_pattern') }}
)

select
    -- ids
    described.session_key,
    described.visitor_id,
    described.session_id,

    -- attributes, of the first event
    described.source,
    described.medium,
    case
        when nullif(trim(described.source), '') is null and nullif(trim(described.medium), '') is null then 'direct'
        else coalesce(matched.channel, 'other')
    end as channel,
    described.first_event.campaign_id as campaign_id,
    described.first_event.device as device,
    described.first_event.country as country,
    described.first_event.region as region,

    -- times
    described.started_at,
    described.ended_at,
    described.started_on,

    -- flags
    described.is_first_of_visitor,
    coalesce(matched.is_paid, false)
    and not (nullif(trim(described.source), '') is null and nullif(trim(described.medium), '') is null) as is_paid_channel,

    -- numerics
    cast(described.views as bigint) as views,
    cast(described.product_views as bigint) as product_views,
    cast(described.searches as bigint) as searches,
    cast(described.cart_additions as bigint) as cart_additions,
    cast(described.checkouts as bigint) as checkouts,
    cast(described.purchases as bigint) as purchases,
    {{ seconds_between('described.started_at', 'described.ended_at') }} as duration_seconds,

    -- what its events were, for the next build
    described.made_of
from described
left join matched
    on described.source is not distinct from matched.source
    and described.medium is not distinct from matched.medium
    and matched.match_order = 1
