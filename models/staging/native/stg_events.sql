{{ load_extract('events') }}
