with files as (
    select * from {{ landing('files') }}
),

at_fault as (
    {% for base in base_models() -%}
        select
            '{{ base.table }}' as table_name,
            _file,
            _row,
            _fault,
            _content
        from {{ ref(base.model) }}
        where _fault is not null
        union all
    {% endfor -%}
    -- a line that waits for its order
    select
        'order_lines' as table_name,
        _file,
        _row,
        concat('order_id: not in stg_orders: ', order_id) as _fault,
        {{ contract_row_as_json('order_lines') }} as _content
    from {{ ref('base_order_lines') }}
    where
        _fault is null
        and _is_latest
        and order_id not in (select orders.order_id from {{ ref('stg_orders') }} as orders)
    union all
    -- a target that holds while another one does
    select
        'kpi_targets' as table_name,
        _file,
        _row,
        'valid_from: holds while another row of its KPI, grain and segment does' as _fault,
        {{ contract_row_as_json('kpi_targets') }} as _content
    from {{ overlapping_targets() }} as overlapping
    union all
    -- a row that could not be split into fields
    select
        files.table_name,
        unreadable.file_id as _file,
        unreadable.row_number as _row,
        concat(': ', unreadable.reason) as _fault,
        case
            when files.table_name in ('{{ tables_with_personal_values() | join("', '") }}')
                then {{ row_as_json([('length', 'length(unreadable.content)'), ('hash', keyed_hash('unreadable.content'))]) }}
            else unreadable.content
        end as _content
    from {{ landing('unreadable') }} as unreadable
    inner join files on unreadable.file_id = files.file_id
)

select
    at_fault.table_name,
    coalesce(files.file_name, at_fault._file) as file_name,
    cast(at_fault._row as bigint) as row_number,

    -- why
    substr(at_fault._fault, instr(at_fault._fault, ': ') + 2) as reason,
    nullif(substr(at_fault._fault, 1, instr(at_fault._fault, ': ') - 1), '') as column_name,
    at_fault._content as row_content,

    coalesce(files.landed_at, (select max(every_file.landed_at) from files as every_file), {{ run_began_at() }}) as loaded_at
from at_fault
left join files on at_fault._file = files.file_id
