{{ seller_orders(cut_by=['category']) }}
