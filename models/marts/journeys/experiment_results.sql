{%- set reach = '1.959963984540054e0' -%}

with measures as (
    select * from {{ ref('int_experiment_measures') }}
),

-- without a purchase event ever delivered nobody knows who bought
purchases as (
    select need from {{ ref('int_inputs') }}
    where need = 'events:purchase' and is_present
),

pairs as (
    select
        ours.experiment,
        ours.variant,
        ours.kpi_id,
        ours.is_running,
        ours.srm_p_value,
        ours.visitors,
        controls.visitors as control_visitors,
        ours.conversion,
        controls.conversion as control_conversion,
        (ours.converted_visitors + controls.converted_visitors)
        / nullif(ours.visitors + controls.visitors, 0e0) as pooled_conversion,
        ours.gmv_per_visitor,
        controls.gmv_per_visitor as control_gmv_per_visitor,
        ours.gmv_variance / nullif(ours.visitors, 0e0) as gmv_error,
        controls.gmv_variance / nullif(controls.visitors, 0e0) as control_gmv_error,
        {{ ratio('ours.orders_with_cancelled_line', 'ours.orders') }} as guardrail_variant,
        {{ ratio('controls.orders_with_cancelled_line', 'controls.orders') }} as guardrail_control,
        ours.visitors_in_two_variants,
        ours.bot_visitors
    from measures as ours
    inner join measures as controls
        on ours.experiment = controls.experiment
        and ours.control = controls.variant
    cross join purchases
    where ours.variant <> ours.control
),

-- standard errors: of the difference, and of one if both were the same (Welch knows but one); his degrees of freedom
metrics as (
    select
        *,
        'conversion' as metric,
        'conversion' as family,
        control_conversion as control_value,
        conversion as variant_value,
        sqrt(
            conversion * (1e0 - conversion) / nullif(visitors, 0e0)
            + control_conversion * (1e0 - control_conversion) / nullif(control_visitors, 0e0)
        ) as error,
        sqrt(
            pooled_conversion * (1e0 - pooled_conversion)
            * (1e0 / nullif(visitors, 0e0) + 1e0 / nullif(control_visitors, 0e0))
        ) as error_if_same,
        cast(null as double) as degrees
    from pairs
    union all
    select
        *,
        'gmv_per_visitor' as metric,
        'sales' as family,
        control_gmv_per_visitor as control_value,
        gmv_per_visitor as variant_value,
        sqrt(gmv_error + control_gmv_error) as error,
        sqrt(gmv_error + control_gmv_error) as error_if_same,
        power(gmv_error + control_gmv_error, 2) / nullif(
            power(gmv_error, 2) / nullif(visitors - 1e0, 0e0)
            + power(control_gmv_error, 2) / nullif(control_visitors - 1e0, 0e0),
            0e0
        ) as degrees
    from pairs
),

compared as (
    select
        *,
        variant_value - control_value as effect,
        (variant_value - control_value) / nullif(error_if_same, 0e0) as statistic,
        case when metric = 'conversion' then {{ reach }} else {{ student_t_reach('degrees') }} end * error as reach
    from metrics
),

-- a standard normal z, in a column of its own: its probability names it many times
standardised as (
    select
        *,
        case when metric = 'conversion' then statistic else {{ student_t_z('abs(statistic)', 'degrees') }} end as z
    from compared
),

judged as (
    select
        *,
        {{ normal_p('z') }} as p_value
    from standardised
)

select
    judged.experiment,
    judged.variant,
    judged.metric,
    coalesce(judged.family = kpis.family, false) as is_primary,
    cast(judged.visitors as bigint) as visitors,
    cast(judged.control_visitors as bigint) as control_visitors,
    cast(judged.visitors_in_two_variants as bigint) as visitors_in_two_variants,
    cast(judged.bot_visitors as bigint) as bot_visitors,
    judged.srm_p_value,
    judged.control_value,
    judged.variant_value,
    judged.effect,
    judged.effect / nullif(judged.control_value, 0e0) as relative_effect,
    judged.effect - judged.reach as ci_low,
    judged.effect + judged.reach as ci_high,
    judged.p_value,
    judged.guardrail_control,
    judged.guardrail_variant,
    case
        when judged.srm_p_value < 0.01 then 'invalid'
        when judged.is_running then 'running'
        when judged.p_value < 0.05 and judged.effect > 0 then 'better'
        when judged.p_value < 0.05 and judged.effect < 0 then 'worse'
        else 'no_difference_shown'
    end as verdict
from judged
left join {{ ref('dim_kpi') }} as kpis on judged.kpi_id = kpis.kpi_id
