-- Nothing is lost: what was read of a file was loaded, rejected or superseded. rows_read is counted while the file is
-- landed, the others in the warehouse.
select
    table_name,
    file_name,
    rows_read,
    rows_loaded,
    rows_rejected,
    rows_superseded
from {{ ref('load_audit') }}
where rows_read <> rows_loaded + rows_rejected + rows_superseded or least(rows_loaded, rows_rejected, rows_superseded) < 0
