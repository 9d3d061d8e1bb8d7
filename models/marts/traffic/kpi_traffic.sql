with sessions as (
    select * from {{ ref('fct_sessions') }}
),

page_views as (
    select * from {{ ref('int_event_views') }}
    where event_name = 'page_view' and load_ms is not null
),

searches as (
    select * from {{ ref('int_event_views') }}
    where event_name = 'search'
),

product_views as (
    select * from {{ ref('int_event_views') }}
    where event_name = 'product_view'
),

feature_uses as (
    select * from {{ ref('int_feature_uses') }}
),

feature_days as (
    select * from {{ ref('int_feature_days') }}
),

{%- set of_session = {'channel': 'channel', 'device': 'device', 'country': 'country', 'region': 'region'} -%}
{%- set of_event = {'device': 'device', 'country': 'country', 'region': 'region'} -%}
{%- set of_page = {'page_type': 'page_type', 'device': 'device', 'country': 'country', 'region': 'region'} -%}

{{ kpi_terms([
    {
        'shape': 'sums', 'from': 'sessions', 'day': 'started_on', 'dimensions': of_session,
        'terms': {
            'sessions': 'count(*)',
            'page_views': 'sum(views)',
            'engaged_sessions': 'count_if(is_engaged)',
            'not_engaged_sessions': 'count_if(not is_engaged)',
            'single_page_sessions': 'count_if(is_single_page)',
            'session_seconds': 'sum(duration_seconds)',
            'new_visitors': 'count_if(is_first_of_visitor)',
        },
        'number': ['session_seconds'],
    },
    {
        'shape': 'sums', 'from': 'sessions', 'day': 'started_on', 'dimensions': of_event,
        'terms': {'organic_search_sessions': "count_if(channel = 'organic_search')"},
    },
    {
        'shape': 'distinct', 'from': 'sessions', 'day': 'started_on', 'entity': 'visitor_id', 'dimensions': of_session,
        'terms': {'visitors': 'true'},
    },
    {
        'shape': 'percentiles', 'from': 'sessions', 'day': 'started_on', 'dimensions': of_session,
        'terms': {'median_session_duration': ['duration_seconds', 0.5]},
    },
    {
        'shape': 'sums', 'from': 'page_views', 'day': 'occurred_on', 'dimensions': of_page,
        'terms': {'timed_page_views': 'count(*)', 'fast_page_views': 'count_if(load_ms <= 2500)'},
    },
    {
        'shape': 'percentiles', 'from': 'page_views', 'day': 'occurred_on', 'dimensions': of_page,
        'terms': {'page_load_p75': ['load_ms', 0.75]},
    },
    {
        'shape': 'sums', 'from': 'feature_days', 'day': 'started_on', 'dimensions': {'feature': 'feature'},
        'terms': {
            'feature_visitors': "count_if(previous_on is null or previous_on < date_trunc('{grain}', started_on))",
        },
    },
    {
        'shape': 'distinct', 'from': 'feature_uses', 'day': 'started_on', 'entity': 'visitor_feature',
        'dimensions': {'feature': 'feature'},
        'terms': {'feature_adopters': 'true'},
    },
    {
        'shape': 'sums', 'from': 'searches', 'day': 'occurred_on', 'dimensions': of_event,
        'terms': {'searches': 'count(*)'},
    },
    {
        'shape': 'sums', 'from': 'searches', 'day': 'occurred_on', 'dimensions': of_event,
        'terms': {
            'counted_searches': 'count(search_results)',
            'zero_result_searches': 'count_if(search_results = 0)',
        },
    },
    {
        'shape': 'sums', 'from': 'product_views', 'day': 'occurred_on',
        'dimensions': {'category': 'category', 'seller': 'seller_id'},
        'terms': {'product_views': 'count(*)'},
    },
]) }},

shown as (
    select
        {{ kpi_keys() }},

        -- sessions and visitors
        sessions,
        visitors,
        {{ ratio('sessions', 'visitors') }} as sessions_per_visitor,
        new_visitors,
        {{ ratio('new_visitors', 'visitors') }} as new_visitor_rate,
        page_views,
        {{ ratio('page_views', 'sessions') }} as pages_per_session,
        organic_search_sessions,
        {{ ratio('organic_search_sessions', 'sessions') }} as organic_share,

        -- engagement
        engaged_sessions,
        {{ ratio('engaged_sessions', 'sessions') }} as engagement_rate,
        not_engaged_sessions,
        {{ ratio('not_engaged_sessions', 'sessions') }} as bounce_rate,
        single_page_sessions,
        {{ ratio('single_page_sessions', 'sessions') }} as bounce_rate_single_page,
        session_seconds,
        {{ ratio('session_seconds', 'sessions') }} as avg_session_duration,
        median_session_duration,
        median_session_duration_n,
        feature_adopters,
        feature_visitors,
        {{ ratio('feature_adopters', 'feature_visitors') }} as feature_adoption_rate,

        -- speed
        page_load_p75,
        page_load_p75_n,
        fast_page_views,
        timed_page_views,
        {{ ratio('fast_page_views', 'timed_page_views') }} as good_page_load_share,

        -- what visitors looked for
        searches,
        zero_result_searches,
        counted_searches,
        {{ ratio('zero_result_searches', 'counted_searches') }} as zero_result_rate,
        product_views
    from terms
),

{{ kpi_without_gaps('traffic') }}
