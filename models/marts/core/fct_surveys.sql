with invitations as (
    select * from {{ ref('stg_survey_invitations') }}
),

orders as (
    select * from {{ ref('int_orders') }}
),

customers as (
    select * from {{ ref('stg_customers') }}
),

sellers as (
    select * from {{ ref('stg_sellers') }}
),

span as (
    select * from {{ ref('int_span') }}
),

known as (
    select
        invitations.*,
        case when invitations.respondent = 'seller' then sellers.country else customers.country end as country,
        case when invitations.respondent = 'seller' then sellers.region else customers.region end as region,
        case when invitations.score is not null then {{ known('invitations.answered_at') }} end as known_answered_at
    from invitations
    cross join span
    left join orders on invitations.order_id = orders.order_id
    left join customers on invitations.customer_id = customers.customer_id
    left join sellers on invitations.seller_id = sellers.seller_id
    where
        invitations.sent_at < span.as_of_end
        and coalesce(orders.is_counted, true)
)

select
    -- ids
    invitation_id,
    order_id,
    customer_id,
    seller_id,

    -- attributes
    survey,
    wave,
    respondent,
    country,
    region,

    -- times
    sent_at,
    {{ business_day('sent_at') }} as sent_on,
    known_answered_at as answered_at,
    {{ business_day('known_answered_at') }} as answered_on,

    -- flags
    known_answered_at is not null as is_answered,
    coalesce(is_delivered, true) or known_answered_at is not null as is_delivered,

    -- numerics
    case when known_answered_at is not null then score end as score
from known
