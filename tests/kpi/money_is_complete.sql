-- What the family marts show for the whole equals the facts year by year, and money by seller or category equals the whole,
-- month by month; an amount that has no value (no refund is known, say) is left aside. A row here is a year or a month that
-- does not add up.
{{ config(meta={'proves': 'period and segment sums keep every cent'}) }}

with sales as (
    select * from {{ ref('kpi_sales') }}
),

facts as (
    select
        {{ period_start('year', 'ordered_on') }} as period_start,
        sum(line_value) as gmv,
        sum(net_value) as gmv_net
    from {{ ref('fct_orders') }}
    where is_paid
    group by {{ period_start('year', 'ordered_on') }}
),

yearly as (
    select
        period_start,
        gmv,
        gmv_net
    from sales
    where period_grain = 'year' and dimension = 'all'
),

segments as (
    select
        period_start,
        dimension,
        sum(gmv) as gmv,
        sum(gmv_net) as gmv_net
    from sales
    where period_grain = 'month' and dimension in ('seller', 'category', 'country', 'region', 'sales_channel', 'customer_type', 'channel')
    group by period_start, dimension
),

months as (
    select
        period_start,
        gmv,
        gmv_net
    from sales
    where period_grain = 'month' and dimension = 'all'
)

select
    facts.period_start,
    'year' as part,
    yearly.gmv,
    facts.gmv as expected_gmv
from facts
left join yearly on facts.period_start = yearly.period_start
where yearly.period_start is null or yearly.gmv <> facts.gmv or yearly.gmv_net <> facts.gmv_net
union all
select
    months.period_start,
    segments.dimension as part,
    segments.gmv,
    months.gmv as expected_gmv
from months
inner join segments on months.period_start = segments.period_start
where months.gmv <> segments.gmv or months.gmv_net <> segments.gmv_net
