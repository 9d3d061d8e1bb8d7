select
    mql_id,
    first_contact_date,
    landing_page_id,
    origin,
    {{ judgement('marketing_qualified_leads', 'olist') }}
from {{ delivered('marketing_qualified_leads', 'olist') }}
