{%- set troubles = ['late_shipment', 'late_delivery', 'cancellation', 'refund', 'return', 'claim', 'partial_refusal'] -%}

with negative as (
    select
        *,
        row_number() over (order by created_at desc, review_id) as recency
    from {{ ref('fct_reviews') }}
    where rating <= 2 and not is_withdrawn
),

examples as (
    select * from negative
    where recency <= 100
),

-- of the seller order it speaks of; where that is not known, of any seller order of its order
flagged as (
    select
        examples.review_id,
        {% for trouble in troubles -%}
            max(case when troubles.has_{{ trouble }} then 1 else 0 end) = 1 as has_{{ trouble }}{{ ',' if not loop.last }}
        {% endfor -%}
    from examples
    inner join {{ ref('int_seller_order_troubles') }} as troubles
        on examples.order_id = troubles.order_id
        and coalesce(examples.seller_id, troubles.seller_id) = troubles.seller_id
    group by examples.review_id
)

select
    examples.review_id,
    examples.order_id,
    examples.seller_id,
    examples.product_id,
    examples.subject,
    examples.created_on,
    examples.rating,
    examples.comment,
    {% for trouble in troubles -%}
        flagged.has_{{ trouble }}{{ ',' if not loop.last }}
    {% endfor -%}
from examples
left join flagged on examples.review_id = flagged.review_id
