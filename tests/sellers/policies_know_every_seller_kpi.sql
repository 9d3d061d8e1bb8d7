-- A policy can hold exactly the KPIs of seller_quality and satisfaction that are cut by seller; one that is added to the
-- families is missed here. Custom KPIs are left out. A row here is a KPI that is missing, or should not be there.
{{ config(meta={'proves': 'every KPI of sellers can be put into a policy, and no other'}) }}

with cut_by_seller as (
    select kpi_id from {{ ref('dim_kpi') }}
    where
        family in ('seller_quality', 'satisfaction')
        and ' ' || dimensions || ' ' like '% seller %'
        and not is_custom
),

policy_kpis as (
    select kpi_id from {{ ref('int_policy_kpis') }}
)

select coalesce(cut_by_seller.kpi_id, policy_kpis.kpi_id) as kpi_id
from cut_by_seller
full outer join policy_kpis on cut_by_seller.kpi_id = policy_kpis.kpi_id
where cut_by_seller.kpi_id is null or policy_kpis.kpi_id is null
