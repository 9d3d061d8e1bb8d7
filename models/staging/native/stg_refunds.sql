{{ load_extract('refunds') }}
