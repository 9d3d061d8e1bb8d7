{{ load_extract('experiments') }}
