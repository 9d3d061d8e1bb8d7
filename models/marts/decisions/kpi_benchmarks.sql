select
    benchmark_id,
    kpi_id,
    market,
    operator,
    cast(value as double) as value,
    source,
    strength,
    published_on,
    is_reference
from {{ ref('builtin_benchmarks') }}
