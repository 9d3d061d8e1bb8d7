{%- set reporting = setting('reporting_currency') -%}

with given as (
    select currency, rate_date, rate_to_eur
    from {{ ref('stg_exchange_rates') }}
    where currency <> 'EUR'
),

-- a rate holds until the next one, at most 7 days
dated as (
    select
        currency,
        rate_date,
        rate_to_eur,
        lead(rate_date) over (partition by currency order by rate_date) as next_rate_date
    from given
),

offsets as (
    {% for days in range(8) -%}
        select {{ days }} as days {{ 'union all' if not loop.last }}
    {% endfor %}
),

daily as (
    select
        dated.currency,
        {{ add_days('dated.rate_date', 'offsets.days') }} as rate_day,
        dated.rate_to_eur
    from dated
    cross join offsets
    where dated.next_rate_date is null or {{ add_days('dated.rate_date', 'offsets.days') }} < dated.next_rate_date
)

{% if reporting == 'EUR' -%}

    select
        currency,
        rate_day,
        cast(rate_to_eur as decimal(28, 18)) as exchange_rate
    from daily

{%- else -%}

, euro as (
    select
        'EUR' as currency,
        rate_day,
        1 as rate_to_eur
    from daily
    where currency = '{{ reporting }}'
)

    select
        quoted.currency,
        quoted.rate_day,
        cast(cast(quoted.rate_to_eur as double) / cast(reporting.rate_to_eur as double) as decimal(28, 18)) as exchange_rate
    from (select * from daily union all select * from euro) as quoted
    inner join daily as reporting on quoted.rate_day = reporting.rate_day and reporting.currency = '{{ reporting }}'

{%- endif %}
