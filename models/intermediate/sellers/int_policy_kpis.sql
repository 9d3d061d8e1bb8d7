-- What a policy can hold a seller to: the KPIs of seller_quality and satisfaction that are cut by seller. Turnover and
-- traffic are no measure of how well a seller serves. A test compares this list with dim_kpi.
select
    given.kpi_id,
    given.shape,
    given.health_group
from (
    values
    ('acceptance_rate', 'rate', 'promise'),
    ('acceptance_time_median', 'percentile', 'promise'),
    ('avg_rating', 'average', 'after_sale'),
    ('cancellation_rate', 'rate', 'promise'),
    ('claim_rate', 'rate', 'after_sale'),
    ('dispute_buyer_win_rate', 'rate', 'after_sale'),
    ('late_shipment_rate', 'rate', 'delivery'),
    ('negative_feedback_rate', 'rate', 'after_sale'),
    ('negative_review_share', 'rate', 'after_sale'),
    ('on_time_delivery_rate', 'rate', 'delivery'),
    ('order_defect_rate', 'rate', 'after_sale'),
    ('platform_fulfilled_share', 'rate', 'after_sale'),
    ('positive_review_share', 'rate', 'after_sale'),
    ('processing_time_median', 'percentile', 'delivery'),
    ('processing_time_p90', 'percentile', 'delivery'),
    ('refund_rate', 'rate', 'after_sale'),
    ('return_rate', 'rate', 'after_sale'),
    ('review_rate', 'rate', 'after_sale'),
    ('reviews', 'count', 'after_sale'),
    ('seller_cancellation_rate', 'rate', 'promise'),
    ('seller_orders', 'count', 'after_sale'),
    ('seller_response_sla_24h_rate', 'rate', 'answers'),
    ('seller_response_time_median', 'percentile', 'answers'),
    ('shipping_rate', 'rate', 'delivery'),
    ('valid_tracking_rate', 'rate', 'delivery')
) as given (kpi_id, shape, health_group)
