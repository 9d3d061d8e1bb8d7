{{ load_extract('offers') }}
