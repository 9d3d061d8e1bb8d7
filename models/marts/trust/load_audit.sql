{% for table in extract_tables() %}
-- depends_on: {{ ref('stg_' ~ table) }}
{%- endfor %}

select
    run_id,
    table_name,
    file_name,

    -- rows
    rows_read,
    rows_loaded,
    rows_rejected,
    rows_superseded,

    unknown_columns,
    loaded_at
from {{ load_log_relation('file_log') }}
