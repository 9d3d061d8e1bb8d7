select
    table_name,
    covers_from,
    covers_to
from {{ ref('base_feed_coverage') }}
where _fault is null and _is_latest
