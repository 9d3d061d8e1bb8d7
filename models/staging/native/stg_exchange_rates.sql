select
    rate_date,
    currency,
    rate_to_eur
from {{ ref('base_exchange_rates') }}
where _fault is null and _is_latest
