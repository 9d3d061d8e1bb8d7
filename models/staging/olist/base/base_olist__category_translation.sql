select
    product_category_name,
    product_category_name_english,
    {{ judgement('category_translation', 'olist') }}
from {{ delivered('category_translation', 'olist') }}
