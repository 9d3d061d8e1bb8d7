{{ seller_orders() }}
