select
    customer_id,
    customer_unique_id,
    customer_zip_code_prefix,
    customer_city,
    customer_state,
    {{ judgement('customers', 'olist') }}
from {{ delivered('customers', 'olist') }}
