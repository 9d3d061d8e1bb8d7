{{ load_extract('sellers') }}
