{{ load_extract('support_tickets') }}
