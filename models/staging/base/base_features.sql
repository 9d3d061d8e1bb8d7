select
    feature,
    released_at,
    description,
    {{ judgement('features') }}
from {{ delivered('features') }}
