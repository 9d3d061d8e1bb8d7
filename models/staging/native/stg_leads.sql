{{ load_extract('leads') }}
