{{ load_extract('seller_status_events') }}
