select
    order_id,
    payment_sequential,
    payment_type,
    payment_installments,
    payment_value,
    {{ judgement('order_payments', 'olist') }}
from {{ delivered('order_payments', 'olist') }}
