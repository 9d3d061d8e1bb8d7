"""Seller quality: acceptance, shipping, delivery, cancellations, returns, claims, defects, answers."""

from __future__ import annotations

import datetime as dt

import polars as pl

from python_checks.recompute.catalogue import declare
from python_checks.recompute.measure import KpiRows, measure
from python_checks.recompute.periods import days_between, hours_between
from python_checks.recompute.seller_orders import measure_seller_orders
from python_checks.recompute.world import World

declare("seller_quality", """
seller_orders - {quality_dimensions} -
acceptance_rate 2 {quality_dimensions} order_lines.accepted_at,order_lines.refused_at|order_lines.cancelled_by
acceptance_time_median 2 {quality_dimensions} order_lines.accepted_at
shipping_rate 7 {quality_dimensions} order_lines.ship_by_at,{shipped}
processing_time_median 7 {quality_dimensions} order_lines.shipped_at
processing_time_p90 7 {quality_dimensions} order_lines.shipped_at
late_shipment_rate - {quality_dimensions} order_lines.ship_by_at,order_lines.shipped_at
on_time_delivery_rate - {quality_dimensions} order_lines.promised_delivery_at,order_lines.delivered_at
valid_tracking_rate - {quality_dimensions} order_lines.tracking_valid
cancellation_rate 7 country,region,category,seller order_lines.cancelled_at|order_lines.refused_at
seller_cancellation_rate 7 {quality_dimensions} order_lines.refused_at|order_lines.cancelled_by
return_rate 30 {quality_dimensions} returns,order_lines.delivered_at
refund_rate 60 {quality_dimensions} refunds
claim_rate 60 {quality_dimensions} claims
dispute_buyer_win_rate - seller claims
negative_feedback_rate 60 {quality_dimensions} reviews,reviews.subject=seller
order_defect_rate 60 {quality_dimensions} reviews,claims,reviews.subject=seller
seller_response_time_median 2 seller support_tickets
seller_response_sla_24h_rate 1 seller support_tickets,support_tickets.first_response_at
platform_fulfilled_share - {quality_dimensions} order_lines.fulfilled_by,{shipped}
""")


LINE_DIMENSIONS = ["seller", "category", "country", "region"]
RETURN_DAYS = 30


def add(rows: KpiRows, world: World) -> None:
    """Adds the rows of the seller quality KPIs."""
    if rows.wants(
        "seller_orders", "acceptance_rate", "acceptance_time_median", "shipping_rate", "processing_time_median",
        "processing_time_p90", "seller_cancellation_rate", "negative_feedback_rate", "order_defect_rate",
    ):
        _seller_orders(rows, world)
    if rows.wants("late_shipment_rate"):
        _late_shipment(rows, world)
    if rows.wants("cancellation_rate"):
        _orders(rows, world)
    if rows.wants("on_time_delivery_rate"):
        _promises(rows, world)
    if rows.wants("valid_tracking_rate", "platform_fulfilled_share"):
        _shipments(rows, world)
    if rows.wants("refund_rate", "claim_rate"):
        _troubles(rows, world)
    if rows.wants("return_rate"):
        _returns(rows, world)
    if rows.wants("dispute_buyer_win_rate"):
        _disputes(rows, world)
    if rows.wants("seller_response_time_median", "seller_response_sla_24h_rate"):
        _messages(rows, world)


def _seller_orders(rows: KpiRows, world: World) -> None:
    as_of = pl.lit(world.calendar.as_of)
    accepted, decided = pl.col("state") == "accepted", pl.col("state").is_in(["accepted", "refused"])
    due = accepted & (pl.col("ship_by_day") <= as_of)
    acceptance_hours, processing_hours = pl.col("acceptance_hours"), pl.col("processing_hours")

    def prepare(seller_orders: pl.DataFrame) -> pl.DataFrame:
        return seller_orders.with_columns(
            acceptance_hours=pl.when(accepted).then(hours_between(pl.col("paid_at"), pl.col("accepted_at"))),
            processing_hours=hours_between(pl.col("paid_at"), pl.col("shipped_at")),
        )

    terms = measure_seller_orders(
        world, world.lines, "order_day", prepare,
        seller_orders=pl.len(),
        accepted=accepted.sum(),
        decided=decided.sum(),
        acceptance_median=acceptance_hours.median(),
        acceptances=acceptance_hours.count(),
        due=due.sum(),
        due_shipped=(due & pl.col("shipped_at").is_not_null()).sum(),
        processing_median=processing_hours.median(),
        processing_p90=processing_hours.quantile(0.9, "linear"),
        shipments=processing_hours.count(),
        seller_cancelled=pl.sum("is_seller_cancelled"),
        badly_reviewed=pl.sum("has_bad_review"),
        defective=(pl.col("has_bad_review") | pl.col("has_defect_claim")).sum(),
    )
    rows.amount("seller_orders", terms, "seller_orders")
    rows.ratio("acceptance_rate", terms, "accepted", "decided")
    rows.percentile("acceptance_time_median", terms, "acceptance_median", "acceptances")
    rows.ratio("shipping_rate", terms, "due_shipped", "due")
    rows.percentile("processing_time_median", terms, "processing_median", "shipments")
    rows.percentile("processing_time_p90", terms, "processing_p90", "shipments")
    rows.ratio("seller_cancellation_rate", terms, "seller_cancelled", "seller_orders")
    rows.ratio("negative_feedback_rate", terms, "badly_reviewed", "seller_orders")
    rows.ratio("order_defect_rate", terms, "defective", "seller_orders")


def _late_shipment(rows: KpiRows, world: World) -> None:
    own = world.lines.filter((pl.col("fulfilled_by") != "platform").fill_null(True))
    late = pl.col("shipped_at").is_null() | (pl.col("shipped_at") > pl.col("ship_by_at"))
    vacation_events = (
        world.tables["seller_status_events"]
        .filter(pl.col("status").is_in(["vacation_started", "vacation_ended"]))
        .sort("occurred_at", "event_id")  # at one instant in order of keys: one vacation can follow another
        .select("seller_id", "occurred_at", on_vacation=pl.col("status") == "vacation_started")
    )

    def prepare(seller_orders: pl.DataFrame) -> pl.DataFrame:
        dated = seller_orders.filter(pl.col("ship_by_at").is_not_null()).sort("ship_by_at").join_asof(
            vacation_events, left_on="ship_by_at", right_on="occurred_at", by="seller_id", check_sortedness=False)
        return dated.filter(~pl.col("on_vacation").fill_null(False))

    terms = measure_seller_orders(world, own, "ship_by_day", prepare, late=late.sum(), due=pl.len())
    rows.ratio("late_shipment_rate", terms, "late", "due")


def _orders(rows: KpiRows, world: World) -> None:
    counts = {"cancelled": pl.sum("is_cancelled"), "orders": pl.len()}
    orders = pl.concat([
        measure(world.calendar, world.orders, "order_day", ["country", "region"], **counts),
        measure(world.calendar, world.orders_by("category"), "order_day", ["category"], overall=False, **counts),
        measure(world.calendar, world.orders_by("seller"), "order_day", ["seller"], overall=False, **counts),
    ])
    rows.ratio("cancellation_rate", orders, "cancelled", "orders")


def _promises(rows: KpiRows, world: World) -> None:
    on_time = pl.col("delivered_day") <= pl.col("promised_day")
    promised = measure(
        world.calendar, world.valid_lines, "promised_day", LINE_DIMENSIONS, on_time=on_time.sum(), promised=pl.len())
    rows.ratio("on_time_delivery_rate", promised, "on_time", "promised")


def _shipments(rows: KpiRows, world: World) -> None:
    shipped = measure(
        world.calendar, world.shipped_lines, "ship_day", LINE_DIMENSIONS,
        shipped=pl.len(),
        by_platform=(pl.col("fulfilled_by") == "platform").sum(),
        tracked=pl.col("tracking_valid").count(),
        tracking_valid=pl.col("tracking_valid").sum(),
    )
    rows.ratio("valid_tracking_rate", shipped, "tracking_valid", "tracked")
    rows.ratio("platform_fulfilled_share", shipped, "by_platform", "shipped")


def _troubles(rows: KpiRows, world: World) -> None:
    refunded = world.refunds.filter((pl.col("reason") != "cancellation").fill_null(True))
    claimed = world.tables["claims"].filter((pl.col("decision") != "withdrawn").fill_null(True))
    has = {name: pl.col("order_line_id").is_in(frame["order_line_id"].implode())
           for name, frame in (("refunded", refunded), ("claimed", claimed))}
    accepted = measure(
        world.calendar, world.lines.filter("is_accepted").with_columns(**has), "order_day", LINE_DIMENSIONS,
        lines=pl.len(), refunded=pl.sum("refunded"), claimed=pl.sum("claimed"))
    rows.ratio("refund_rate", accepted, "refunded", "lines")
    rows.ratio("claim_rate", accepted, "claimed", "lines")


def _returns(rows: KpiRows, world: World) -> None:
    delivered = world.all_lines.filter(pl.col("delivered_day").is_not_null())
    after = days_between(pl.col("delivered_day"), world.calendar.day("requested_at"))
    returned = (
        world.tables["returns"].select("order_line_id", "requested_at", returned="quantity")
        .join(delivered.select("order_line_id", "delivered_day"), on="order_line_id")
        .filter(after.is_between(0, RETURN_DAYS))
        .group_by("order_line_id").agg(pl.sum("returned"))
    )
    delivered = delivered.join(returned, on="order_line_id", how="left").with_columns(
        returned=pl.min_horizontal("quantity", pl.col("returned").fill_null(0)))
    terms = measure(
        world.calendar, delivered, "delivered_day", LINE_DIMENSIONS,
        returned=pl.sum("returned"), quantity=pl.sum("quantity"))
    rows.ratio("return_rate", terms, "returned", "quantity")


def _disputes(rows: KpiRows, world: World) -> None:
    disputes = world.tables["claims"].filter(
        pl.col("kind").is_in(["a_to_z", "chargeback"]) & pl.col("decision").is_in(["buyer", "seller"])
    ).join(world.all_lines.select("order_line_id", "seller"), on="order_line_id", how="left")
    terms = measure(
        world.calendar, disputes.with_columns(day=world.calendar.day("decided_at")), "day", ["seller"],
        won=(pl.col("decision") == "buyer").sum(), decided=pl.len())
    rows.ratio("dispute_buyer_win_rate", terms, "won", "decided")


def _messages(rows: KpiRows, world: World) -> None:
    tickets = world.tickets.filter(pl.col("handled_by") == "seller").with_columns(seller="seller_id")
    hours = measure(
        world.calendar, tickets, "day", ["seller"],
        median=pl.median("response_hours"), answered=pl.count("response_hours"))
    rows.percentile("seller_response_time_median", hours, "median", "answered")

    to_answer = tickets.filter(
        pl.col("needs_response").fill_null(True) & (pl.col("opened_at") <= world.calendar.end - dt.timedelta(hours=24)))
    in_time = (pl.col("response_hours") <= 24).sum()
    answers = measure(world.calendar, to_answer, "day", ["seller"], in_time=in_time, tickets=pl.len())
    rows.ratio("seller_response_sla_24h_rate", answers, "in_time", "tickets")
