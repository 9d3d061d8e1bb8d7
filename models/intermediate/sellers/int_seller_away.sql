-- The days at whose end a seller is on vacation: not the day it comes back.
with vacations as (
    select * from {{ ref('int_seller_vacations') }}
),

dated as (
    select distinct
        seller_id,
        {{ business_day('started_at') }} as away_from,
        {{ add_days(business_day('ended_at'), -1) }} as away_to
    from vacations
)

select
    seller_id,
    away_from,
    away_to
from dated
where away_from <= away_to
