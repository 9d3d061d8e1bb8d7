{{ load_extract('exchange_rates') }}
