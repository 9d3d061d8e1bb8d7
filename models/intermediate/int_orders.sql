with orders as (
    select * from {{ ref('stg_orders') }}
),

customers as (
    select * from {{ ref('stg_customers') }}
),

span as (
    select * from {{ ref('int_span') }}
),

dated as (
    select
        *,
        {{ business_day('ordered_at') }} as ordered_on
    from orders
)

select
    -- ids
    dated.order_id,
    dated.customer_id,
    dated.session_id,

    -- attributes
    dated.currency,
    dated.sales_channel,
    customers.customer_type,
    coalesce(dated.country, customers.country) as country,
    coalesce(dated.region, customers.region) as region,
    customers.country as customer_country,
    customers.region as customer_region,

    -- times
    dated.ordered_at,
    dated.ordered_on,
    {{ known('dated.paid_at') }} as paid_at,

    -- flags
    dated.paid_at is not null and dated.paid_at < span.as_of_end as is_paid,
    not coalesce(dated.is_test, false) as is_counted
from dated
cross join span
left join customers on dated.customer_id = customers.customer_id
where dated.ordered_at < span.as_of_end or dated.is_test
