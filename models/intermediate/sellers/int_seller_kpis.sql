-- sellers that only facts name are judged under the default policy too
with sellers as (
    select
        seller_id,
        policy
    from {{ ref('dim_seller') }}
    union all
    select
        named.seller_id,
        'default' as policy
    from (
        select seller_id from {{ ref('fct_order_lines') }}
        union distinct
        select seller_id from {{ ref('fct_reviews') }}
        union distinct
        select seller_id from {{ ref('fct_tickets') }}
    ) as named
    left join {{ ref('dim_seller') }} as known on named.seller_id = known.seller_id
    where named.seller_id is not null and known.seller_id is null
),

policies as (
    select * from {{ ref('seller_policies') }}
),

-- a policy without rows is `default`
followed as (
    select
        sellers.seller_id,
        case when stated.policy is null then 'default' else sellers.policy end as policy
    from sellers
    left join (select distinct policy from policies) as stated on sellers.policy = stated.policy
),

needs as (
    select * from {{ ref('int_kpi_needs') }}
),

inputs as (
    select * from {{ ref('int_inputs') }}
),

absent as (
    select distinct needs.kpi_id
    from needs
    inner join inputs on needs.need = inputs.need
    where not inputs.is_present
),

first_evaluation as (
    select min(evaluated_on) as evaluated_on from {{ ref('int_evaluation_days') }}
)

select
    followed.seller_id,
    followed.policy,
    policies.kpi_id,
    policy_kpis.shape,
    policy_kpis.health_group,
    policies.operator,
    policies.alert_value,
    policies.limit_value,
    policies.window_days,
    policies.min_volume,
    -- nothing dated earlier is in any window, and days before the span count nowhere
    greatest({{ add_days('first_evaluation.evaluated_on', '1 - policies.window_days') }}, span.span_start) as first_on
from followed
inner join policies on followed.policy = policies.policy
inner join {{ ref('int_policy_kpis') }} as policy_kpis on policies.kpi_id = policy_kpis.kpi_id
cross join first_evaluation
cross join {{ ref('int_span') }} as span
left join absent on policies.kpi_id = absent.kpi_id
where absent.kpi_id is null
