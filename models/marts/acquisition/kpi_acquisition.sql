with leads as (
    select * from {{ ref('fct_leads') }}
),

{{ kpi_terms([
    {
        'shape': 'distinct', 'from': 'leads', 'day': 'created_on', 'entity': 'person_key', 'needs': ['leads'],
        'dimensions': {'channel': 'channel', 'campaign': 'campaign_id'},
        'terms': {'leads': 'true', 'converted_leads': 'is_converted'},
    },
]) }}

select
    {{ kpi_keys() }},

    -- leads
    leads,
    converted_leads,
    {{ ratio('converted_leads', 'leads') }} as lead_conversion_rate
from terms
