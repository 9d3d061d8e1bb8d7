{{ load_extract('customers') }}
