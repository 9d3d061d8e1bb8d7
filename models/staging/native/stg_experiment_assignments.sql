{{ load_extract('experiment_assignments') }}
