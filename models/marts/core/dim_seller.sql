{%- set identities = ['legal_id_hash', 'bank_account_hash'] -%}

with sellers as (
    select * from {{ ref('stg_sellers') }}
),

span as (
    select * from {{ ref('int_span') }}
),

valid_lines as (
    select
        seller_id,
        min(ordered_on) as first_valid_sale_on,
        max(ordered_on) as last_valid_sale_on
    from {{ ref('fct_order_lines') }}
    where is_valid
    group by seller_id
),

-- the other sellers with the same hashed legal id or bank account
twins as (
    {% for identity in identities -%}
        select
            sellers.seller_id,
            other.seller_id as other_seller_id
        from sellers
        inner join sellers as other
            on sellers.{{ identity }} = other.{{ identity }}
            and sellers.seller_id <> other.seller_id
        {{ 'union' if not loop.last }}
    {% endfor %}
),

identities as (
    select
        seller_id,
        {{ dbt.listagg('other_seller_id', "', '", 'order by other_seller_id') }} as shares_identity_with
    from twins
    group by seller_id
),

-- registered_at stands in only when no seller at all has a validation time
validation as (
    select count(validated_at) > 0 as is_recorded from sellers
),

validated as (
    select
        sellers.*,
        case
            when validation.is_recorded then {{ known('sellers.validated_at') }}
            else {{ known('sellers.registered_at') }}
        end as known_validated_at
    from sellers
    cross join validation
    cross join span
),

dated as (
    select
        *,
        {{ business_day('known_validated_at') }} as validated_on
    from validated
),

first_sales as (
    select
        dated.seller_id,
        min(lines.ordered_on) as first_sale_after_validation_on
    from dated
    inner join {{ ref('fct_order_lines') }} as lines
        on dated.seller_id = lines.seller_id
        and lines.is_valid
        and lines.ordered_on >= dated.validated_on
    group by dated.seller_id
)

select
    -- ids
    dated.seller_id,

    -- attributes
    dated.seller_name,
    dated.country,
    dated.region,
    dated.plan,
    coalesce(dated.policy, 'default') as policy,
    identities.shares_identity_with,

    -- times
    dated.registered_at,
    dated.known_validated_at as validated_at,
    dated.validated_on,
    valid_lines.first_valid_sale_on,
    valid_lines.last_valid_sale_on,
    first_sales.first_sale_after_validation_on
from dated
left join valid_lines on dated.seller_id = valid_lines.seller_id
left join first_sales on dated.seller_id = first_sales.seller_id
left join identities on dated.seller_id = identities.seller_id
