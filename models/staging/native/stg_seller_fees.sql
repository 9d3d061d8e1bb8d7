{{ load_extract('seller_fees') }}
