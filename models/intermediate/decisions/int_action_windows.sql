with actions as (
    select
        *,
        coalesce(ends_on, {{ add_days('starts_on', 27) }}) as during_end
    from {{ ref('stg_action_log') }}
),

-- moved by the fewest whole weeks that clear it, so that weekdays match
measured as (
    select
        *,
        {{ days_from('starts_on', 'during_end') }} + 1 as days,
        7 * cast(floor(({{ days_from('starts_on', 'during_end') }} + 7) / 7) as integer) as shift
    from actions
    where during_end >= starts_on
)

{% for phase, weeks in [('before', -1), ('during', 0), ('after', 1)] -%}
    select
        action_id,
        kpi_id,
        case when dimension is null or dimension_value is null or dimension = 'all' then 'all' else dimension end as dimension,
        case when dimension is null or dimension_value is null or dimension = 'all' then 'all' else dimension_value end as dimension_value,
        '{{ phase }}' as phase,
        {{ add_days('starts_on', weeks ~ ' * shift') }} as first_day,
        {{ add_days('during_end', weeks ~ ' * shift') }} as last_day,
        days
    from measured
    {{ 'union all' if not loop.last }}
{% endfor %}
