-- depends_on: {{ ref('load_audit') }}

select
    run_id,
    table_name,
    file_name,
    row_number,

    -- why
    reason,
    column_name,
    row_content,

    rejected_at
from {{ load_log_relation('rejected_log') }}
