with files as (
    select * from {{ landing('files') }}
),

counted as (
    {% for base in base_models() -%}
        select
            '{{ base.table }}' as table_name,
            _file,
            count(*) as rows_in_base,
            sum(case when _fault is null and _is_latest then 1 else 0 end) as rows_loaded,
            sum(case when _fault is null and not _is_latest then 1 else 0 end) as rows_superseded
        from {{ ref(base.model) }}
        group by _file
        union all
    {% endfor -%}
    {{ linked_counts('events', ref('base_events')) }}
    -- a line that waits for its order is not loaded
    select
        'order_lines' as table_name,
        _file,
        0 as rows_in_base,
        -count(*) as rows_loaded,
        0 as rows_superseded
    from {{ ref('base_order_lines') }}
    where
        _fault is null
        and _is_latest
        and order_id not in (select orders.order_id from {{ ref('stg_orders') }} as orders)
    group by _file
    union all
    -- nor is a target that holds while another one does
    select
        'kpi_targets' as table_name,
        _file,
        0 as rows_in_base,
        -count(*) as rows_loaded,
        0 as rows_superseded
    from {{ overlapping_targets() }} as overlapping
    group by _file
),

by_file as (
    select
        table_name,
        _file,
        sum(rows_in_base) as rows_in_base,
        sum(rows_loaded) as rows_loaded,
        sum(rows_superseded) as rows_superseded
    from counted
    group by table_name, _file
),

rejected as (
    select
        table_name,
        file_name,
        count(*) as rows_rejected
    from {{ ref('rejected_rows') }}
    group by table_name, file_name
),

-- files, and the models of a connector
deliveries as (
    select
        table_name,
        file_id,
        file_name,
        rows_read,
        unknown_columns,
        landed_at
    from files
    union all
    select
        table_name,
        _file as file_id,
        _file as file_name,
        rows_in_base as rows_read,
        cast(null as {{ dbt.type_string() }}) as unknown_columns,
        coalesce((select max(files.landed_at) from files), {{ run_began_at() }}) as landed_at
    from by_file
    where _file not in (select files.file_id from files)
)

select
    deliveries.table_name,
    deliveries.file_name,

    -- rows
    cast(deliveries.rows_read as bigint) as rows_read,
    cast(coalesce(by_file.rows_loaded, 0) as bigint) as rows_loaded,
    cast(coalesce(rejected.rows_rejected, 0) as bigint) as rows_rejected,
    cast(coalesce(by_file.rows_superseded, 0) as bigint) as rows_superseded,

    deliveries.unknown_columns,
    deliveries.landed_at as loaded_at
from deliveries
left join by_file on deliveries.table_name = by_file.table_name and deliveries.file_id = by_file._file
left join rejected on deliveries.table_name = rejected.table_name and deliveries.file_name = rejected.file_name
