{{ load_extract('products') }}
