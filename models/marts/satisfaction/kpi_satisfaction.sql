with reviews as (
    select * from {{ ref('fct_reviews') }}
    where not is_withdrawn
),

delivered_seller_orders as (
    select * from {{ ref('fct_seller_orders') }}
    where delivered_at is not null
),

answers as (
    select * from {{ ref('fct_surveys') }}
    where is_answered
),

buyer_answers as (
    select * from answers
    where respondent = 'buyer'
),

buyer_nps_and_csat_answers as (
    select * from buyer_answers
    where survey in ('nps', 'csat')
),

seller_nps_answers as (
    select * from answers
    where respondent = 'seller' and survey = 'nps'
),

invitations as (
    select * from {{ ref('fct_surveys') }}
    where is_delivered and respondent = 'buyer'
),

-- the first answer of an order in each wave
csat_waves as (
    select
        order_id,
        wave,
        answered_on,
        score,
        row_number() over (partition by order_id, wave order by answered_at, invitation_id) as answer_number
    from buyer_answers
    where survey = 'csat' and order_id is not null
),

answered_twice as (
    select
        cold.order_id,
        cold.answered_on,
        case when cold.score >= 4 then 1 else 0 end - case when hot.score >= 4 then 1 else 0 end as change
    from csat_waves as cold
    inner join csat_waves as hot
        on cold.order_id = hot.order_id
        and hot.wave = 'hot'
        and hot.answer_number = 1
    where cold.wave = 'cold' and cold.answer_number = 1
),

operator_tickets as (
    select * from {{ ref('fct_tickets') }}
    where handled_by = 'operator' and not is_spam
),

{%- set of_person = {'country': 'country', 'region': 'region'} -%}

{{ kpi_terms([
    {
        'shape': 'sums', 'from': 'buyer_nps_and_csat_answers', 'day': 'answered_on', 'dimensions': of_person,
        'terms': {
            'nps_answers': "count_if(survey = 'nps')",
            'nps_balance_x100': "100 * (count_if(survey = 'nps' and score >= 9) - count_if(survey = 'nps' and score <= 6))",
            'csat_answers': "count_if(survey = 'csat')",
            'csat_satisfied': "count_if(survey = 'csat' and score >= 4)",
            'csat_hot_answers': "count_if(survey = 'csat' and wave = 'hot')",
            'csat_hot_satisfied': "count_if(survey = 'csat' and wave = 'hot' and score >= 4)",
            'csat_cold_answers': "count_if(survey = 'csat' and wave = 'cold')",
            'csat_cold_satisfied': "count_if(survey = 'csat' and wave = 'cold' and score >= 4)",
        },
    },
    {
        'shape': 'sums', 'from': 'buyer_answers', 'day': 'answered_on',
        'terms': {
            'relationship_answers': "count_if(survey = 'relationship')",
            'relationship_satisfied': "count_if(survey = 'relationship' and score >= 4)",
            'value_fit_answers': "count_if(survey = 'value_fit')",
            'value_fit_satisfied': "count_if(survey = 'value_fit' and score >= 4)",
        },
    },
    {
        'shape': 'sums', 'from': 'seller_nps_answers', 'day': 'answered_on', 'dimensions': of_person,
        'terms': {
            'seller_nps_answers': 'count(*)',
            'seller_nps_balance_x100': '100 * (count_if(score >= 9) - count_if(score <= 6))',
        },
    },
    {
        'shape': 'sums', 'from': 'answered_twice', 'day': 'answered_on',
        'terms': {'orders_answered_twice': 'count(*)', 'satisfaction_change': 'sum(change)'},
    },
    {
        'shape': 'sums', 'from': 'invitations', 'day': 'sent_on', 'dimensions': {'survey': 'survey', 'wave': 'wave'},
        'terms': {'delivered_invitations': 'count(*)', 'answered_invitations': 'count_if(is_answered)'},
    },
    {
        'shape': 'sums', 'from': 'operator_tickets', 'day': 'opened_on', 'dimensions': {'topic': 'topic'},
        'terms': {
            'operator_tickets': 'count(*)',
            'resolved_operator_tickets': 'count_if(is_resolved)',
            'operator_tickets_due': 'count_if(is_sla_due)',
            'operator_tickets_answered_24h': 'count_if(is_sla_due and is_answered_within_24h)',
        },
    },
    {
        'shape': 'percentiles', 'from': 'operator_tickets', 'day': 'opened_on', 'dimensions': {'topic': 'topic'},
        'terms': {
            'first_response_time_median': ['first_response_hours', 0.5],
            'first_response_time_p90': ['first_response_hours', 0.9],
            'resolution_time_median': ['resolution_hours', 0.5],
        },
    },
    {
        'shape': 'sums', 'from': 'reviews', 'day': 'created_on',
        'dimensions': {
            'seller': 'seller_id', 'category': 'category', 'country': 'country', 'region': 'region', 'subject': 'subject',
        },
        'terms': {
            'reviews': 'count(*)',
            'rating_sum': 'sum(rating)',
            'positive_reviews': 'count_if(rating >= 4)',
            'negative_reviews': 'count_if(rating <= 2)',
        },
    },
    {
        'shape': 'sums', 'from': 'delivered_seller_orders', 'day': 'delivered_on',
        'dimensions': {'seller': 'seller_id', 'country': 'country'},
        'terms': {'delivered_seller_orders': 'count(*)', 'reviewed_seller_orders': 'count_if(is_reviewed)'},
    },
]) }},

shown as (
    select
        {{ kpi_keys() }},

        -- reviews
        reviews,
        rating_sum,
        {{ ratio('rating_sum', 'reviews') }} as avg_rating,
        negative_reviews,
        {{ ratio('negative_reviews', 'reviews') }} as negative_review_share,
        positive_reviews,
        {{ ratio('positive_reviews', 'reviews') }} as positive_review_share,
        reviewed_seller_orders,
        delivered_seller_orders,
        {{ ratio('reviewed_seller_orders', 'delivered_seller_orders') }} as review_rate,

        -- surveys
        nps_balance_x100,
        nps_answers,
        {{ ratio('nps_balance_x100', 'nps_answers') }} as nps,
        seller_nps_balance_x100,
        seller_nps_answers,
        {{ ratio('seller_nps_balance_x100', 'seller_nps_answers') }} as seller_nps,
        csat_satisfied,
        csat_answers,
        {{ ratio('csat_satisfied', 'csat_answers') }} as csat,
        csat_hot_satisfied,
        csat_hot_answers,
        {{ ratio('csat_hot_satisfied', 'csat_hot_answers') }} as csat_hot,
        csat_cold_satisfied,
        csat_cold_answers,
        {{ ratio('csat_cold_satisfied', 'csat_cold_answers') }} as csat_cold,
        satisfaction_change,
        orders_answered_twice,
        {{ ratio('satisfaction_change', 'orders_answered_twice') }} as satisfaction_decay,
        relationship_satisfied,
        relationship_answers,
        {{ ratio('relationship_satisfied', 'relationship_answers') }} as relationship_satisfaction,
        value_fit_satisfied,
        value_fit_answers,
        {{ ratio('value_fit_satisfied', 'value_fit_answers') }} as value_fit,
        answered_invitations,
        delivered_invitations,
        {{ ratio('answered_invitations', 'delivered_invitations') }} as survey_response_rate,

        -- support
        first_response_time_median,
        first_response_time_median_n,
        first_response_time_p90,
        first_response_time_p90_n,
        operator_tickets_answered_24h,
        operator_tickets_due,
        {{ ratio('operator_tickets_answered_24h', 'operator_tickets_due') }} as response_sla_24h_rate,
        resolved_operator_tickets,
        operator_tickets,
        {{ ratio('resolved_operator_tickets', 'operator_tickets') }} as resolution_rate,
        resolution_time_median,
        resolution_time_median_n
    from terms
),

{{ kpi_without_gaps('satisfaction') }}
