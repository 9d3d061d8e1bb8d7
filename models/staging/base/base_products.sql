select
    product_id,
    product_name,
    category,
    parent_category,
    brand,
    product_family,
    created_at,
    {{ judgement('products') }}
from {{ delivered('products') }}
