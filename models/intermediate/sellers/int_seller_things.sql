{#-
What each KPI of a policy counts, once: where it stands (from), the day that dates it, the day from which it is known
beside that one, the day its numerator happens (missing: never), and how much it counts (1 without amounts).
-#}
{%- set things = [
    {'kpi': 'acceptance_rate', 'from': 'seller_orders', 'where': "acceptance_status in ('accepted', 'refused')",
     'dated': 'ordered_on', 'known': 'greatest(paid_on, coalesce(decided_on, paid_on))',
     'happened': "case when acceptance_status = 'accepted' then ordered_on end"},
    {'kpi': 'avg_rating', 'from': 'reviews', 'dated': 'created_on', 'known': 'created_on', 'happened': 'created_on',
     'numerator': 'rating'},
    {'kpi': 'cancellation_rate', 'from': 'seller_orders', 'dated': 'ordered_on', 'known': 'paid_on',
     'happened': 'cancelled_on'},
    {'kpi': 'claim_rate', 'from': 'accepted_lines', 'dated': 'ordered_on', 'known': 'known_on', 'happened': 'claimed_on'},
    {'kpi': 'dispute_buyer_win_rate', 'from': 'disputes', 'dated': 'decided_on', 'known': 'decided_on',
     'happened': "case when decision = 'buyer' then decided_on end"},
    {'kpi': 'late_shipment_rate', 'from': 'seller_orders', 'dated': 'due_on', 'known': 'paid_on', 'happened': 'late_on'},
    {'kpi': 'negative_feedback_rate', 'from': 'seller_orders', 'dated': 'ordered_on', 'known': 'paid_on',
     'happened': 'negatively_reviewed_on'},
    {'kpi': 'negative_review_share', 'from': 'reviews', 'dated': 'created_on', 'known': 'created_on',
     'happened': 'case when rating <= 2 then created_on end'},
    {'kpi': 'on_time_delivery_rate', 'from': 'lines', 'where': 'is_valid', 'dated': 'promised_on', 'known': 'paid_on',
     'happened': 'case when delivered_on <= promised_on then promised_on end'},
    {'kpi': 'order_defect_rate', 'from': 'seller_orders', 'dated': 'ordered_on', 'known': 'paid_on',
     'happened': 'defect_on'},
    {'kpi': 'platform_fulfilled_share', 'from': 'lines', 'where': 'is_shipped', 'dated': 'shipped_on',
     'known': 'shipped_on', 'happened': 'case when is_platform_fulfilled then shipped_on end'},
    {'kpi': 'positive_review_share', 'from': 'reviews', 'dated': 'created_on', 'known': 'created_on',
     'happened': 'case when rating >= 4 then created_on end'},
    {'kpi': 'refund_rate', 'from': 'accepted_lines', 'dated': 'ordered_on', 'known': 'known_on',
     'happened': 'refunded_on'},
    {'kpi': 'return_rate', 'from': 'lines', 'where': 'is_delivered', 'dated': 'delivered_on', 'known': 'delivered_on',
     'happened': 'cast(null as date)', 'denominator': 'quantity'},
    {'kpi': 'return_rate', 'from': 'returned_units', 'where': 'units > 0', 'dated': 'delivered_on',
     'known': 'delivered_on', 'happened': 'requested_on', 'denominator': '0', 'numerator': 'units'},
    {'kpi': 'review_rate', 'from': 'seller_orders', 'dated': 'delivered_on', 'known': 'paid_on',
     'happened': 'reviewed_on'},
    {'kpi': 'reviews', 'from': 'reviews', 'dated': 'created_on', 'known': 'created_on', 'happened': 'created_on'},
    {'kpi': 'seller_cancellation_rate', 'from': 'seller_orders', 'dated': 'ordered_on', 'known': 'paid_on',
     'happened': 'seller_cancelled_on'},
    {'kpi': 'seller_orders', 'from': 'seller_orders', 'dated': 'ordered_on', 'known': 'paid_on',
     'happened': 'ordered_on'},
    {'kpi': 'seller_response_sla_24h_rate', 'from': 'tickets', 'where': 'needs_response', 'dated': 'opened_on',
     'known': 'due_on', 'happened': 'case when is_answered_within_24h then first_response_on end'},
    {'kpi': 'shipping_rate', 'from': 'seller_orders', 'where': "acceptance_status = 'accepted' and ship_by_on is not null",
     'dated': 'ordered_on', 'known': 'greatest(paid_on, coalesce(decided_on, paid_on), ship_by_on)',
     'happened': 'shipped_on'},
    {'kpi': 'valid_tracking_rate', 'from': 'lines', 'where': 'is_shipped and is_tracking_valid is not null',
     'dated': 'shipped_on', 'known': 'shipped_on', 'happened': 'case when is_tracking_valid then shipped_on end'},
] -%}

with kpis as (
    select * from {{ ref('int_seller_kpis') }}
),

seller_orders as (
    select
        *,
        ordered_on as step_on
    from {{ ref('int_seller_order_days') }}
),

lines as (
    select
        *,
        ordered_on as step_on,
        {{ business_day('paid_at') }} as paid_on
    from {{ ref('fct_order_lines') }}
),

refunds as (
    select
        order_line_id,
        min(refunded_on) as refunded_on
    from {{ ref('fct_refunds') }}
    where reason is null or reason <> 'cancellation'
    group by order_line_id
),

claims as (
    select
        order_line_id,
        min(opened_on) as claimed_on
    from {{ ref('fct_claims') }}
    where not is_withdrawn
    group by order_line_id
),

-- without an acceptance step a line is known with its payment
accepted_lines as (
    select
        lines.seller_id,
        lines.step_on,
        lines.ordered_on,
        greatest(lines.paid_on, coalesce({{ business_day('lines.accepted_at') }}, lines.paid_on)) as known_on,
        refunds.refunded_on,
        claims.claimed_on
    from lines
    left join refunds on lines.order_line_id = refunds.order_line_id
    left join claims on lines.order_line_id = claims.order_line_id
    where lines.is_accepted and lines.is_paid
),

-- units asked back day by day, as far as the line has them
returns as (
    select
        lines.seller_id,
        lines.step_on,
        lines.delivered_on,
        lines.quantity,
        returns.requested_on,
        sum(returns.quantity) as asked,
        sum(sum(returns.quantity)) over (
            partition by lines.order_line_id order by returns.requested_on
        ) as asked_so_far
    from lines
    inner join {{ ref('fct_returns') }} as returns
        on lines.order_line_id = returns.order_line_id
        and returns.requested_on between lines.delivered_on and {{ add_days('lines.delivered_on', 30) }}
    group by
        lines.order_line_id, lines.seller_id, lines.step_on, lines.delivered_on, lines.quantity, returns.requested_on
),

returned_units as (
    select
        *,
        least(asked_so_far, quantity) - least(asked_so_far - asked, quantity) as units
    from returns
),

disputes as (
    select
        claims.seller_id,
        orders.ordered_on as step_on,
        claims.decided_on,
        claims.decision
    from {{ ref('fct_claims') }} as claims
    left join {{ ref('fct_orders') }} as orders on claims.order_id = orders.order_id
    where claims.is_dispute and claims.decision in ('buyer', 'seller')
),

reviews as (
    select
        reviews.seller_id,
        orders.ordered_on as step_on,
        reviews.created_on,
        reviews.rating
    from {{ ref('fct_reviews') }} as reviews
    left join {{ ref('fct_orders') }} as orders on reviews.order_id = orders.order_id
    where not reviews.is_withdrawn
),

-- due the first day at whose end 24 hours have passed
tickets as (
    select
        *,
        opened_on as step_on,
        case
            when {{ hours_between('opened_at', day_begins_at(add_days('opened_on', 1))) }} >= 24 then opened_on
            when {{ hours_between('opened_at', day_begins_at(add_days('opened_on', 2))) }} >= 24 then {{ add_days('opened_on', 1) }}
            else {{ add_days('opened_on', 2) }}
        end as due_on,
        {{ business_day('first_response_at') }} as first_response_on
    from {{ ref('fct_tickets') }}
    where handled_by = 'seller' and not is_spam
),

things as (
    {% for thing in things -%}
        select
            seller_id,
            '{{ thing.kpi }}' as kpi_id,
            {{ thing.dated }} as dated_on,
            {{ thing.known }} as known_on,
            {{ thing.happened }} as happened_on,
            step_on,
            {{ thing.get('numerator', '1') }} as numerator,
            {{ thing.get('denominator', '1') }} as denominator
        from {{ thing.from }}
        where {{ thing.dated }} is not null{{ ' and ' ~ thing.where if thing.where }}
        {{ 'union all' if not loop.last }}
    {% endfor -%}
),

-- a numerator never counts before its denominator
dated as (
    select
        things.seller_id,
        things.kpi_id,
        kpis.window_days,
        things.dated_on,
        greatest(things.dated_on, things.known_on) as known_on,
        case when things.happened_on is not null then greatest(things.dated_on, things.known_on, things.happened_on) end as happened_on,
        coalesce(steps.last_step_on is null or things.step_on > steps.last_step_on, false) as is_since_step,
        things.numerator,
        things.denominator
    from things
    inner join kpis
        on things.seller_id = kpis.seller_id
        and things.kpi_id = kpis.kpi_id
        and things.dated_on >= kpis.first_on
    left join {{ ref('int_seller_steps') }} as steps on things.seller_id = steps.seller_id
),

counted as (
    select
        seller_id,
        kpi_id,
        window_days,
        dated_on,
        known_on,
        happened_on,
        is_since_step,
        cast(sum(numerator) as bigint) as numerator,
        cast(sum(denominator) as bigint) as denominator
    from dated
    group by seller_id, kpi_id, window_days, dated_on, known_on, happened_on, is_since_step
)

select counted.*
from counted
where {{ is_outside_vacations('counted') }}
