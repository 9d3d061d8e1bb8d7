{{ load_extract('reviews') }}
