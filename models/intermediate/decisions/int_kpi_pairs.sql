with kpis as (
    select distinct
        kpi_id,
        kpi_number
    from {{ ref('int_kpi_changes') }}
),

links as (
    select * from {{ ref('int_kpi_links') }}
),

linked as (
    select distinct
        links.kpi_id as first_kpi_id,
        other.kpi_id as second_kpi_id
    from links
    inner join links as other
        on links.kind = other.kind
        and links.name = other.name
        and links.kpi_id < other.kpi_id
    where links.kind <> 'pair'
),

read_together as (
    select distinct
        least(kpi_id, name) as first_kpi_id,
        greatest(kpi_id, name) as second_kpi_id
    from links
    where kind = 'pair' and kpi_id <> name
)

select
    kpis.kpi_id as first_kpi_id,
    other.kpi_id as second_kpi_id,
    kpis.kpi_number as first_number,
    other.kpi_number as second_number,
    linked.first_kpi_id is not null as is_linked,
    read_together.first_kpi_id is not null as is_read_together
from kpis
inner join kpis as other on kpis.kpi_id < other.kpi_id
left join linked on kpis.kpi_id = linked.first_kpi_id and other.kpi_id = linked.second_kpi_id
left join read_together
    on kpis.kpi_id = read_together.first_kpi_id
    and other.kpi_id = read_together.second_kpi_id
where linked.first_kpi_id is null or read_together.first_kpi_id is not null
