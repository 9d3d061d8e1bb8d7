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
)

select
    -- ids
    sellers.seller_id,

    -- attributes
    sellers.seller_name,
    sellers.country,
    sellers.region,
    sellers.plan,
    coalesce(sellers.policy, 'default') as policy,
    identities.shares_identity_with,

    -- times
    sellers.registered_at,
    case
        when validation.is_recorded then {{ known('sellers.validated_at') }}
        else {{ known('sellers.registered_at') }}
    end as validated_at,
    {{ business_day("case when validation.is_recorded then " ~ known('sellers.validated_at') ~ " else " ~ known('sellers.registered_at') ~ " end") }} as validated_on,
    valid_lines.first_valid_sale_on,
    valid_lines.last_valid_sale_on
from sellers
cross join validation
cross join span
left join valid_lines on sellers.seller_id = valid_lines.seller_id
left join identities on sellers.seller_id = identities.seller_id
