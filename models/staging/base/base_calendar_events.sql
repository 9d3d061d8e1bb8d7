select
    event_date,
    country,
    name,
    kind,
    {{ judgement('calendar_events') }}
from {{ delivered('calendar_events') }}
