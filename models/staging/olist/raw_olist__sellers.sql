{{ load_extract() }}
