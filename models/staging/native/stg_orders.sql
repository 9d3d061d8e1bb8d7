{{ load_extract('orders') }}
