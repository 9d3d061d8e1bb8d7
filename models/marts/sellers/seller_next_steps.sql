{%- set identities = ['legal_id_hash', 'bank_account_hash'] -%}

with sellers as (
    select * from {{ ref('stg_sellers') }}
),

span as (
    select * from {{ ref('int_span') }}
),

steps as (
    select * from {{ ref('int_seller_steps') }}
),

closed as (
    select seller_id from {{ ref('int_seller_states') }}
    where status = 'closed' and next_status_on is null
),

away as (
    select distinct away.seller_id
    from {{ ref('int_seller_away') }} as away
    inner join span on span.as_of >= away.away_from and span.as_of <= away.away_to
),

-- other sellers with the same hashed legal id or bank account whose suspension was never lifted
twins as (
    {% for identity in identities -%}
        select sellers.seller_id
        from sellers
        inner join sellers as other
            on sellers.{{ identity }} = other.{{ identity }}
            and sellers.seller_id <> other.seller_id
        inner join steps on other.seller_id = steps.seller_id and steps.is_suspension_open
        {{ 'union distinct' if not loop.last }}
    {% endfor %}
),

-- over what came after the last step: nobody is punished twice for one order
evaluations as (
    select
        *,
        abs(value - cast(limit_value as double)) / greatest(abs(cast(limit_value as double)), 1e-9) as distance,
        status in ('limit', 'alert') or projected_breach as is_noted
    from {{ ref('int_seller_evaluations') }}
    where is_since_step
),

led as (
    select
        *,
        row_number() over (partition by seller_id, is_certain order by distance desc, kpi_id) as certain_place,
        row_number() over (partition by seller_id, is_noted order by distance desc, kpi_id) as noted_place
    from evaluations
),

certain as (
    select * from led
    where is_certain and certain_place = 1
),

noted as (
    select * from led
    where is_noted and noted_place = 1
),

known as (
    select
        sellers.seller_id,
        steps.state,
        steps.last_step,
        steps.last_step_on,
        coalesce(steps.warnings, 0) as warnings,
        coalesce(steps.has_plan_since, false) as has_plan_since,
        away.seller_id is not null as on_vacation,
        certain.kpi_id is not null as is_certain,
        noted.kpi_id is not null as is_noted,
        twins.seller_id is not null as identity_alert,
        span.as_of,
        coalesce(certain.kpi_id, noted.kpi_id) as kpi_id,
        case
            when certain.kpi_id is not null then {{ policy_evidence('certain') }}
            else {{ policy_evidence('noted') }}
        end as evidence
    from sellers
    cross join span
    left join closed on sellers.seller_id = closed.seller_id
    left join steps on sellers.seller_id = steps.seller_id
    left join away on sellers.seller_id = away.seller_id
    left join twins on sellers.seller_id = twins.seller_id
    left join certain on sellers.seller_id = certain.seller_id
    left join noted on sellers.seller_id = noted.seller_id
    where closed.seller_id is null
),

proposed as (
    select
        *,
        case
            when last_step = 'suspended' and has_plan_since then 'reinstate'
            when last_step = 'suspended' then 'wait'
            when is_certain and on_vacation then 'wait'
            when is_certain and warnings = 0 then 'warn'
            when is_certain and {{ days_from('last_step_on', 'as_of') }} < 14 then 'wait'
            when is_certain and warnings = 1 then 'warn_again'
            when is_certain then 'suspend'
            when is_noted then 'inform'
            else 'none'
        end as proposed_step
    from known
)

select
    -- ids
    seller_id,

    -- where it stands
    state,
    cast(warnings as bigint) as warnings,
    last_step_on,
    on_vacation,

    -- what is proposed, and why
    proposed_step,
    case
        when proposed_step in ('warn', 'warn_again', 'reinstate') then as_of
        when proposed_step = 'suspend' then {{ add_days('as_of', 30) }}
        when proposed_step = 'wait' and last_step <> 'suspended' and not on_vacation then {{ add_days('last_step_on', 14) }}
    end as earliest_on,
    case
        when proposed_step = 'reinstate'
            then 'suspended on ' || cast(last_step_on as {{ dbt.type_string() }}) || ', an action plan came later'
        when last_step = 'suspended'
            then 'suspended on ' || cast(last_step_on as {{ dbt.type_string() }}) || ', no action plan yet'
        when proposed_step = 'wait' and on_vacation then 'beyond limit, on vacation'
        when proposed_step = 'wait' then 'beyond limit, fewer than 14 days since the last step'
        when proposed_step = 'warn' then 'beyond limit, no warning yet: an action plan is asked for'
        when proposed_step = 'warn_again' then 'beyond limit after one warning'
        when proposed_step = 'suspend'
            then 'beyond limit after ' || cast(warnings as {{ dbt.type_string() }})
                || ' warnings: 30 days'' notice with a statement of reasons'
        when proposed_step = 'inform' then 'near or beyond a limit, not certainly'
        else 'in order'
    end as reason,
    case when coalesce(last_step, '') <> 'suspended' then kpi_id end as kpi_id,
    case when coalesce(last_step, '') <> 'suspended' then evidence end as evidence,
    identity_alert
from proposed
