select
    seller_id,
    'BR' as country,
    seller_state as region
from {{ olist('sellers') }}
