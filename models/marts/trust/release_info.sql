-- What is known only when the release is published (tests, checks, code version, size of the input) is filled in then.
with span as (
    select * from {{ ref('int_span') }}
),

inputs as (
    select
        count(distinct file_name) as input_files,
        sum(rows_read) as rows_read,
        sum(rows_loaded) as rows_loaded,
        sum(rows_rejected) as rows_rejected,
        sum(rows_superseded) as rows_superseded
    from {{ ref('load_audit') }}
)

select
    -- the run
    cast('{{ invocation_id }}' as {{ dbt.type_string() }}) as run_id,
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) as built_at,
    cast(null as timestamp) as published_at,
    cast(null as {{ dbt.type_string() }}) as code_version,
    cast('{{ dbt_version }}' as {{ dbt.type_string() }}) as dbt_version,
    cast(null as {{ dbt.type_string() }}) as engine_version,

    -- what it was asked for
    cast('{{ setting("connector") }}' as {{ dbt.type_string() }}) as connector,
    span.span_start,
    span.as_of,
    cast('{{ setting("business_timezone") }}' as {{ dbt.type_string() }}) as business_timezone,
    cast('{{ setting("reporting_currency") }}' as {{ dbt.type_string() }}) as reporting_currency,

    -- what it read
    cast(inputs.input_files as bigint) as input_files,
    cast(null as bigint) as input_bytes,
    cast(null as {{ dbt.type_string() }}) as input_digest,
    cast(null as {{ dbt.type_string() }}) as build_digest,
    cast(inputs.rows_read as bigint) as rows_read,
    cast(inputs.rows_loaded as bigint) as rows_loaded,
    cast(inputs.rows_rejected as bigint) as rows_rejected,
    cast(inputs.rows_superseded as bigint) as rows_superseded,

    -- what proved it
    cast(null as bigint) as tests_passed,
    cast(null as bigint) as tests_warned,
    cast(null as {{ dbt.type_string() }}) as checks
from span
cross join inputs
