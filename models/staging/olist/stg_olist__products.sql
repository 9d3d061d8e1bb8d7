with products as (
    select * from {{ olist('products') }}
),

translations as (
    select * from {{ olist('category_translation') }}
)

select
    products.product_id,
    coalesce(translations.product_category_name_english, products.product_category_name) as category
from products
left join translations on products.product_category_name = translations.product_category_name
