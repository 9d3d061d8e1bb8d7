with claims as (
    select * from {{ ref('stg_claims') }}
),

lines as (
    select * from {{ ref('int_order_lines') }}
),

span as (
    select * from {{ ref('int_span') }}
),

known as (
    select
        claims.claim_id,
        claims.order_line_id,
        lines.order_id,
        lines.seller_id,
        claims.kind,
        claims.opened_at,
        {{ known('claims.decided_at') }} as decided_at,
        -- a decision without a date is taken as made; one dated after as_of is not made yet
        case when claims.decided_at is null or claims.decided_at < span.as_of_end then claims.decision end as decision
    from claims
    cross join span
    left join lines on claims.order_line_id = lines.order_line_id
    where
        claims.opened_at < span.as_of_end
        and coalesce(lines.is_counted, true)
)

select
    -- ids
    claim_id,
    order_line_id,
    order_id,
    seller_id,

    -- attributes
    kind,
    decision,

    -- times
    opened_at,
    {{ business_day('opened_at') }} as opened_on,
    decided_at,
    {{ business_day('decided_at') }} as decided_on,

    -- flags
    kind in ('a_to_z', 'chargeback') as is_dispute,
    coalesce(decision = 'withdrawn', false) as is_withdrawn,
    kind in ('a_to_z', 'chargeback') and (decision is null or decision not in ('seller', 'withdrawn')) as is_defect
from known
