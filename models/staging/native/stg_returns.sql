{{ load_extract('returns') }}
