with built_in as (
    select * from {{ ref('builtin_seller_policies') }}
),

delivered as (
    select * from {{ ref('stg_seller_policies') }}
),

policy_kpis as (
    select * from {{ ref('int_policy_kpis') }}
),

-- a delivered row wins over a built-in one of the same policy and KPI
stated as (
    select
        policy,
        kpi_id,
        operator,
        alert_value,
        limit_value,
        window_days,
        min_volume,
        cast(null as {{ dbt.type_string() }}) as source
    from delivered
    union all
    select
        built_in.policy,
        built_in.kpi_id,
        built_in.operator,
        cast(built_in.alert_value as decimal(28, 10)) as alert_value,
        cast(built_in.limit_value as decimal(28, 10)) as limit_value,
        built_in.window_days,
        built_in.min_volume,
        built_in.source
    from built_in
    left join delivered on built_in.policy = delivered.policy and built_in.kpi_id = delivered.kpi_id
    where delivered.policy is null
)

select
    stated.policy,
    case
        when policy_kpis.kpi_id is null
            then {{ stop_with("'seller_policies, policy ' || stated.policy || ', KPI ' || stated.kpi_id || ': a policy can hold only KPIs of the families seller_quality and satisfaction that are cut by seller'") }}
        when abs(stated.limit_value) >= 100000000 or abs(coalesce(stated.alert_value, 0)) >= 100000000
            then {{ stop_with("'seller_policies, policy ' || stated.policy || ', KPI ' || stated.kpi_id || ': alert_value and limit_value lie below 100000000'") }}
        else stated.kpi_id
    end as kpi_id,
    stated.operator,
    cast(stated.alert_value as decimal(18, 10)) as alert_value,
    cast(stated.limit_value as decimal(18, 10)) as limit_value,
    cast(stated.window_days as bigint) as window_days,
    -- nobody is judged on a handful; a count has no such minimum
    cast(case when policy_kpis.shape <> 'count' or stated.min_volume is not null then coalesce(stated.min_volume, 20) end as bigint) as min_volume,
    stated.source
from stated
left join policy_kpis on stated.kpi_id = policy_kpis.kpi_id
