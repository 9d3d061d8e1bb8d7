{{ orders_cut_by('seller_id') }}
