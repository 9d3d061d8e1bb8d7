select
    product_id,
    product_name,
    category,
    parent_category,
    brand,
    product_family,
    created_at
from {{ ref('base_products') }}
where _fault is null and _is_latest
