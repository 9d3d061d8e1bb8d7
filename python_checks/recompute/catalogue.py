"""The KPIs: family, dimensions, maturity and what they need.

One line per KPI under its family: id, maturity in days for a cohort KPI (`-` for an event KPI), dimensions
(comma-separated, `-` for none) and needs (comma-separated, `-` for none): a table, `table.column`,
`table.column=value`, `events:purchase` for `events.event_name=purchase`, or alternatives of these (`a|b`).
"""

from __future__ import annotations

from dataclasses import dataclass

ORDER_DIMENSIONS = "country,region,category,seller,sales_channel,customer_type,channel"
BUYER_DIMENSIONS = "country,region,customer_type,channel"
WEB_DIMENSIONS = "channel,device,country,region"
QUALITY_DIMENSIONS = "seller,category,country,region"
REVIEW_DIMENSIONS = "seller,category,country,region,subject"
COMMISSION = "order_lines.commission_amount"
SHIPPED = "order_lines.shipped_at|order_lines.delivered_at"
NET = "refunds|order_lines.cancelled_at|order_lines.refused_at"
DIRECT_COST = "order_lines.unit_cost|payments.fee_amount"
ATTRIBUTION = "events.source|events.medium,events.customer_id|events.order_id|orders.session_id"
UNPAID = "payments.status=failed|payments.status=refused|payments.status=abandoned"
BUYER_ADS = "ad_spend.audience=buyers"
LOOKED = "events:page_view|events:product_view|events:search"
JOINED = "sellers.registered_at|sellers.validated_at"

_LINES = f"""
acquisition
    ad_impressions - channel,campaign ad_spend
    ad_clicks - channel,campaign ad_spend
    ad_spend - channel,campaign ad_spend
    cpm - channel,campaign ad_spend
    cpc - channel,campaign ad_spend
    ctr - channel,campaign ad_spend
    cpa - channel,campaign events,ad_spend,{ATTRIBUTION},{BUYER_ADS}
    cpl - channel,campaign ad_spend,leads,ad_spend.objective=leads,leads.qualified_at
    cac_blended - - ad_spend,{BUYER_ADS}
    cac_paid - channel,campaign events,ad_spend,{ATTRIBUTION},{BUYER_ADS}
    seller_cac - - ad_spend,ad_spend.audience=sellers
    repeat_order_cost - - ad_spend,ad_spend.objective=retention
    new_buyers - country,region,channel,customer_type -
    click_conversion_rate - channel,campaign events,ad_spend,{ATTRIBUTION},{BUYER_ADS}
    roas 60 channel,campaign events,ad_spend,{NET},{ATTRIBUTION},{BUYER_ADS}
    marketing_roi - channel,campaign events,ad_spend,{COMMISSION},{ATTRIBUTION},{BUYER_ADS}
    leads - channel,campaign leads
    lead_conversion_rate 90 channel,campaign leads,leads.converted_at
traffic
    sessions - {WEB_DIMENSIONS} events
    visitors - {WEB_DIMENSIONS} events
    new_visitor_rate - {WEB_DIMENSIONS} events
    page_views - {WEB_DIMENSIONS} events,events:page_view
    pages_per_session - {WEB_DIMENSIONS} events,events:page_view
    bounce_rate - {WEB_DIMENSIONS} events,events:page_view
    bounce_rate_single_page - {WEB_DIMENSIONS} events,events:page_view
    engagement_rate - {WEB_DIMENSIONS} events,events:page_view
    avg_session_duration - {WEB_DIMENSIONS} events
    median_session_duration - {WEB_DIMENSIONS} events
    sessions_per_visitor - {WEB_DIMENSIONS} events
    organic_share - device,country,region events,events.source|events.medium
    page_load_p75 - page_type,device,country,region events.load_ms
    good_page_load_share - page_type,device,country,region events.load_ms
    feature_adoption_rate - feature events,features,events:feature_use
    searches - device,country,region events,events:search
    zero_result_rate - device,country,region events.search_results,events:search
    product_views - category,seller events,events:product_view
conversion
    conversion_rate_session - {WEB_DIMENSIONS} events,events:purchase,{LOOKED}
    conversion_rate_visitor - {WEB_DIMENSIONS} events,events:purchase,{LOOKED}
    conversion_rate_cart 7 {WEB_DIMENSIONS} events,events:purchase,events:add_to_cart
    orders_per_session - {WEB_DIMENSIONS} events,events:purchase,{LOOKED}
    cart_abandonment_rate 7 {WEB_DIMENSIONS} events,events:purchase,events:add_to_cart
    checkout_abandonment_rate - {WEB_DIMENSIONS} events,events:purchase,events:begin_checkout
    transaction_completion_rate 1 country,region payments,{UNPAID}
    category_conversion_rate - category events,events:purchase,events:product_view,events.order_id,events.product_id
    liquidity_rate - {WEB_DIMENSIONS} events,events:purchase
sales
    orders - {ORDER_DIMENSIONS} -
    valid_orders - {ORDER_DIMENSIONS} -
    transactions - country,region payments
    transaction_volume - country,region payments
    gmv - {ORDER_DIMENSIONS} -
    gmv_net 60 {ORDER_DIMENSIONS} {NET}
    platform_revenue - seller {COMMISSION},{SHIPPED}
    commission_rate - {ORDER_DIMENSIONS} {COMMISSION}
    take_rate - seller {COMMISSION},{SHIPPED}
    multi_product_order_share - country,region,sales_channel,customer_type -
    aov - {ORDER_DIMENSIONS} -
    median_order_value - country,region,sales_channel,customer_type -
    items_per_order - {ORDER_DIMENSIONS} -
    arpu - - {COMMISSION},{SHIPPED}
    refunded_amount - seller,category refunds
    gross_margin - - {COMMISSION},{SHIPPED},{DIRECT_COST}
    gross_margin_rate - - {COMMISSION},{SHIPPED},{DIRECT_COST}
    contribution_margin - - ad_spend,{COMMISSION},operating_costs,{SHIPPED},{DIRECT_COST}
loyalty
    active_buyers - {BUYER_DIMENSIONS} -
    period_buyers - {BUYER_DIMENSIONS} -
    returning_buyer_share - {BUYER_DIMENSIONS} -
    returning_order_share - {BUYER_DIMENSIONS} -
    repeat_purchase_rate_90d 90 {BUYER_DIMENSIONS} -
    retention_rate - {BUYER_DIMENSIONS} -
    churn_rate_180d - {BUYER_DIMENSIONS} -
    ltv_12m 365 {BUYER_DIMENSIONS} {COMMISSION}
    ltv_cac_ratio 365 - ad_spend,{COMMISSION},{BUYER_ADS}
    second_seller_rate - {BUYER_DIMENSIONS} -
satisfaction
    nps - country,region survey_invitations
    seller_nps - country,region survey_invitations
    csat - country,region survey_invitations
    csat_hot - country,region survey_invitations
    csat_cold - country,region survey_invitations
    satisfaction_decay - - survey_invitations
    relationship_satisfaction - - survey_invitations
    value_fit - - survey_invitations
    survey_response_rate 14 survey,wave survey_invitations,survey_invitations.answered_at,survey_invitations.score
    avg_rating - {REVIEW_DIMENSIONS} reviews
    reviews - {REVIEW_DIMENSIONS} reviews
    review_rate 30 seller,country reviews,order_lines.delivered_at,reviews.subject=seller
    positive_review_share - {REVIEW_DIMENSIONS} reviews
    negative_review_share - {REVIEW_DIMENSIONS} reviews
    first_response_time_median 2 topic support_tickets
    first_response_time_p90 2 topic support_tickets
    response_sla_24h_rate 1 topic support_tickets,support_tickets.first_response_at
    resolution_rate 14 topic support_tickets,support_tickets.resolved_at
    resolution_time_median 14 topic support_tickets
seller_quality
    seller_orders - {QUALITY_DIMENSIONS} -
    acceptance_rate 2 {QUALITY_DIMENSIONS} order_lines.accepted_at,order_lines.refused_at|order_lines.cancelled_by
    acceptance_time_median 2 {QUALITY_DIMENSIONS} order_lines.accepted_at
    shipping_rate 7 {QUALITY_DIMENSIONS} order_lines.ship_by_at,{SHIPPED}
    processing_time_median 7 {QUALITY_DIMENSIONS} order_lines.shipped_at
    processing_time_p90 7 {QUALITY_DIMENSIONS} order_lines.shipped_at
    late_shipment_rate - {QUALITY_DIMENSIONS} order_lines.ship_by_at,order_lines.shipped_at
    on_time_delivery_rate - {QUALITY_DIMENSIONS} order_lines.promised_delivery_at,order_lines.delivered_at
    valid_tracking_rate - {QUALITY_DIMENSIONS} order_lines.tracking_valid
    cancellation_rate 7 country,region,category,seller order_lines.cancelled_at|order_lines.refused_at
    seller_cancellation_rate 7 {QUALITY_DIMENSIONS} order_lines.refused_at|order_lines.cancelled_by
    return_rate 30 {QUALITY_DIMENSIONS} returns,order_lines.delivered_at
    refund_rate 60 {QUALITY_DIMENSIONS} refunds
    claim_rate 60 {QUALITY_DIMENSIONS} claims
    dispute_buyer_win_rate - seller claims
    negative_feedback_rate 60 {QUALITY_DIMENSIONS} reviews,reviews.subject=seller
    order_defect_rate 60 {QUALITY_DIMENSIONS} reviews,claims,reviews.subject=seller
    seller_response_time_median 2 seller support_tickets
    seller_response_sla_24h_rate 1 seller support_tickets,support_tickets.first_response_at
    platform_fulfilled_share - {QUALITY_DIMENSIONS} order_lines.fulfilled_by,{SHIPPED}
balance
    registered_customers - country,region customers.created_at
    registered_sellers - country,region {JOINED}
    listed_sellers - country,region,category offers
    active_sellers - country,region,category -
    new_sellers - country,region {JOINED}
    seller_activation_rate_60d 60 country,region {JOINED}
    time_to_first_sale_median 60 country,region {JOINED}
    buyer_seller_ratio - category,country,region -
    seller_churn_rate_180d - country,region -
    top10_seller_share 60 category {NET}
    seller_concentration_hhi 60 category {NET}
    offer_liquidity_rate - category offers
"""


@dataclass(frozen=True)
class Kpi:
    """A KPI's frame: `maturity` is None for an event KPI, days for a cohort KPI."""

    kpi_id: str
    family: str
    maturity: int | None
    dimensions: tuple[str, ...]
    needs: tuple[str, ...]


def _listed(text: str) -> tuple[str, ...]:
    return () if text == "-" else tuple(text.split(","))


def _read(lines: str) -> dict[str, Kpi]:
    kpis, family = {}, ""
    for line in lines.strip().splitlines():
        kpi_id, *rest = line.split()
        if not rest:
            family = kpi_id
            continue
        maturity, dimensions, needs = rest
        days = None if maturity == "-" else int(maturity)
        kpis[kpi_id] = Kpi(kpi_id, family, days, _listed(dimensions), _listed(needs))
    return kpis


KPIS: dict[str, Kpi] = _read(_LINES)
FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(kpi.family for kpi in KPIS.values()))
