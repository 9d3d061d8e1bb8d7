select
    event_date,
    country,
    name,
    kind
from {{ ref('base_calendar_events') }}
where _fault is null and _is_latest
