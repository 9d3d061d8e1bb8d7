{{ load_extract('payments') }}
