select
    product_id,
    product_name,
    category,
    parent_category,
    brand,
    coalesce(product_family, product_id) as product_family,
    created_at
from {{ ref('stg_products') }}
