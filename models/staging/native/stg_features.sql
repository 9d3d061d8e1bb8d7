{{ load_extract('features') }}
