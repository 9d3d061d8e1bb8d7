{{ load_extract('ad_spend') }}
