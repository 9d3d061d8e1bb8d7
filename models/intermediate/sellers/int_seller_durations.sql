{%- set durations = [
    {'kpi': 'acceptance_time_median', 'from': 'seller_orders', 'where': "acceptance_status = 'accepted'",
     'dated': 'ordered_on', 'known': 'greatest(paid_on, coalesce(decided_on, paid_on))', 'hours': 'acceptance_hours'},
    {'kpi': 'processing_time_median', 'from': 'seller_orders', 'where': 'shipped_on is not null', 'dated': 'ordered_on',
     'known': 'greatest(paid_on, shipped_on)', 'hours': 'processing_hours'},
    {'kpi': 'processing_time_p90', 'from': 'seller_orders', 'where': 'shipped_on is not null', 'dated': 'ordered_on',
     'known': 'greatest(paid_on, shipped_on)', 'hours': 'processing_hours'},
    {'kpi': 'seller_response_time_median', 'from': 'tickets', 'where': 'true', 'dated': 'opened_on',
     'known': 'first_response_on', 'hours': 'first_response_hours'},
] -%}

with kpis as (
    select * from {{ ref('int_seller_kpis') }}
    where shape = 'percentile'
),

seller_orders as (
    select
        *,
        ordered_on as step_on
    from {{ ref('int_seller_order_days') }}
),

tickets as (
    select
        *,
        opened_on as step_on,
        {{ business_day('first_response_at') }} as first_response_on
    from {{ ref('fct_tickets') }}
    where handled_by = 'seller' and not is_spam
),

durations as (
    {% for duration in durations -%}
        select
            seller_id,
            '{{ duration.kpi }}' as kpi_id,
            {{ duration.dated }} as dated_on,
            greatest({{ duration.dated }}, {{ duration.known }}) as known_on,
            step_on,
            {{ duration.hours }} as hours
        from {{ duration.from }}
        where {{ duration.where }} and {{ duration.hours }} is not null
        {{ 'union all' if not loop.last }}
    {% endfor -%}
)

select
    durations.seller_id,
    durations.kpi_id,
    kpis.window_days,
    durations.dated_on,
    durations.known_on,
    coalesce(steps.last_step_on is null or durations.step_on > steps.last_step_on, false) as is_since_step,
    durations.hours
from durations
inner join kpis
    on durations.seller_id = kpis.seller_id
    and durations.kpi_id = kpis.kpi_id
    and durations.dated_on >= kpis.first_on
left join {{ ref('int_seller_steps') }} as steps on durations.seller_id = steps.seller_id
where {{ is_outside_vacations('durations') }}
