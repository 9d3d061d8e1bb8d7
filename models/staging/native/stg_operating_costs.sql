{{ load_extract('operating_costs') }}
