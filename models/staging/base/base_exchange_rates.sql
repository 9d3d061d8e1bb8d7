select
    rate_date,
    currency,
    rate_to_eur,
    {{ judgement('exchange_rates') }}
from {{ delivered('exchange_rates') }}
