{{ load_extract('survey_invitations') }}
