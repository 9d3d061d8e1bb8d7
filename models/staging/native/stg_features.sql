select
    feature,
    released_at,
    description
from {{ ref('base_features') }}
where _fault is null and _is_latest
