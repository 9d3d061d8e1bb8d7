{{ load_extract('claims') }}
