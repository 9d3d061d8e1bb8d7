{{ orders_cut_by('category') }}
