select
    seller_id,
    seller_zip_code_prefix,
    seller_city,
    seller_state,
    {{ judgement('sellers', 'olist') }}
from {{ delivered('sellers', 'olist') }}
