select
    table_name,
    covers_from,
    covers_to,
    {{ judgement('feed_coverage') }}
from {{ delivered('feed_coverage') }}
