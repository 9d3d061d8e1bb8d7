with evaluations as (
    select * from {{ ref('int_seller_evaluations') }}
    where not is_since_step and status <> 'insufficient_data'
),

sellers as (
    select * from {{ ref('dim_seller') }}
    where validated_on is not null
),

policies as (
    select distinct
        seller_id,
        policy
    from {{ ref('int_seller_kpis') }}
),

-- validated, and not closed at the end of the day
open_sellers as (
    select
        sellers.seller_id,
        sellers.policy,
        days.evaluated_on
    from sellers
    cross join {{ ref('int_evaluation_days') }} as days
    where
        sellers.validated_on <= days.evaluated_on
        and not exists (
            select 1
            from {{ ref('int_seller_states') }} as states
            where states.seller_id = sellers.seller_id
            and states.status = 'closed'
            and states.status_on <= days.evaluated_on
            and (states.next_status_on is null or states.next_status_on > days.evaluated_on)
        )
),

points as (
    select
        *,
        case status when 'ok' then 100 when 'alert' then 50 else 0 end as points
    from evaluations
),

-- of several faults of one kind the worst counts, once
grouped as (
    select
        seller_id,
        evaluated_on,
        health_group,
        min(points) as points
    from points
    group by seller_id, evaluated_on, health_group
),

scored as (
    select
        seller_id,
        evaluated_on,
        cast(sum(points) as double) / count(*) as score
    from grouped
    group by seller_id, evaluated_on
),

worst as (
    select
        seller_id,
        evaluated_on,
        kpi_id,
        row_number() over (partition by seller_id, evaluated_on order by points, kpi_id) as place
    from points
    where points < 100
),

away as (
    select distinct
        open_sellers.seller_id,
        open_sellers.evaluated_on
    from open_sellers
    inner join {{ ref('int_seller_away') }} as away
        on open_sellers.seller_id = away.seller_id
        and open_sellers.evaluated_on >= away.away_from
        and open_sellers.evaluated_on <= away.away_to
)

select
    -- ids
    open_sellers.seller_id,
    open_sellers.evaluated_on,

    -- health
    scored.score,
    case
        when scored.score is not null
            then cast(rank() over (
                partition by open_sellers.evaluated_on, scored.score is null order by scored.score desc
            ) as bigint)
    end as rank,
    worst.kpi_id as worst_kpi,
    coalesce(policies.policy, 'default') as policy,
    away.seller_id is not null as on_vacation
from open_sellers
left join scored
    on open_sellers.seller_id = scored.seller_id
    and open_sellers.evaluated_on = scored.evaluated_on
left join worst
    on open_sellers.seller_id = worst.seller_id
    and open_sellers.evaluated_on = worst.evaluated_on
    and worst.place = 1
left join policies on open_sellers.seller_id = policies.seller_id
left join away on open_sellers.seller_id = away.seller_id and open_sellers.evaluated_on = away.evaluated_on
