"""What goes with bad reviews, and what they say."""

from __future__ import annotations

import datetime as dt
import re

import polars as pl

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.world import World
from python_checks.sellers.columns import read_columns
from python_checks.sellers.things import vacation_events

MATURE_DAYS = 60
MONTHS = 12
SHOWN = 100
MASK = "***"
BLANK = r"\t\n\f\r "
PRIVATE = re.compile(rf"""[^{BLANK}@]+@[^{BLANK}@]*[.][^{BLANK}@.,;:!?()<>"]+|[0-9]{{6,}}""")  # addresses, long numbers
NEEDS = {
    "late_shipment": ("order_lines.ship_by_at", "order_lines.shipped_at|order_lines.delivered_at"),
    "late_delivery": KPIS["on_time_delivery_rate"].needs,
    "cancellation": ("order_lines.cancelled_at",), "refund": ("refunds",), "return": ("returns",),
    "claim": ("claims",), "partial_refusal": ("order_lines.refused_at",),
}


def months_of(as_of: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day of the latest 12 months whose end lies 60 days back or more."""
    last = (as_of - dt.timedelta(days=MATURE_DAYS) + dt.timedelta(days=1)).replace(day=1) - dt.timedelta(days=1)
    first = last.replace(day=1)
    for _ in range(MONTHS - 1):
        first = (first - dt.timedelta(days=1)).replace(day=1)
    return first, last


def reviewed_orders(world: World) -> pl.DataFrame:
    """Seller orders of those months with a review: is_negative and one flag per driver."""
    first, last = months_of(world.calendar.as_of)
    keys = ["order_id", "seller_id"]
    told = world.tables["order_lines"].select(
        "order_line_id", is_cancelled=pl.col("cancelled_at").is_not_null(),
        is_refused=pl.col("refused_at").is_not_null())
    lines = world.lines.filter(pl.col("order_day").is_between(first, last)).join(told, on="order_line_id", how="left")

    def of(facts: pl.DataFrame) -> pl.Expr:
        return pl.col("order_line_id").is_in(facts["order_line_id"].implode())

    past = pl.col("promised_day") <= pl.lit(world.calendar.as_of)
    late = pl.when(pl.col("delivered_day").is_null()).then(past).otherwise(
        pl.col("delivered_day") > pl.col("promised_day"))
    # said of the lines first: looked up in each group, a long list would be taken up once per group
    lines = lines.with_columns(
        is_late=pl.col("is_valid") & late.fill_null(False),
        is_refunded=of(world.refunds.filter((pl.col("reason") != "cancellation").fill_null(True))),
        is_returned=of(world.tables["returns"]),
        is_claimed=of(world.tables["claims"].filter((pl.col("decision") != "withdrawn").fill_null(True))))
    orders = lines.group_by(keys).agg(
        pl.any("is_refused").alias("partial_refusal") & ~pl.all("is_refused"),
        late_delivery=pl.any("is_late"), cancellation=pl.any("is_cancelled"), refund=pl.any("is_refunded"),
        claim=pl.any("is_claimed"), **{"return": pl.any("is_returned")})
    reviews = world.reviews.filter(pl.col("subject") == "seller").group_by("order_id", seller_id="seller").agg(
        is_negative=(pl.col("rating") <= 2).any())
    orders = orders.join(reviews, on=keys)
    return orders.join(_late_shipments(world), on=keys, how="left").with_columns(
        pl.col("late_shipment").fill_null(False))


def _late_shipments(world: World) -> pl.DataFrame:
    """The seller orders that late_shipment_rate counts as late."""
    own = world.lines.filter((pl.col("fulfilled_by") != "platform").fill_null(True))
    due = world.seller_orders(own).filter(
        pl.col("ship_by_at").is_not_null() & (pl.col("ship_by_day") <= pl.lit(world.calendar.as_of)))
    due = due.sort("ship_by_at").join_asof(
        vacation_events(world).select("seller_id", "occurred_at", "is_away"), left_on="ship_by_at",
        right_on="occurred_at", by="seller_id", check_sortedness=False)
    late = pl.col("shipped_at").is_null() | (pl.col("shipped_at") > pl.col("ship_by_at"))
    return due.filter(~pl.col("is_away").fill_null(False) & late).select(
        "order_id", "seller_id", late_shipment=pl.lit(True))


def drivers_table(world: World) -> pl.DataFrame:
    """review_drivers."""
    schema = {
        "driver": pl.String, "with_orders": pl.Int64, "without_orders": pl.Int64, "negative_share_with": pl.Float64,
        "negative_share_without": pl.Float64, "difference": pl.Float64, "share_of_negative": pl.Float64}
    orders = reviewed_orders(world) if world.has("reviews", "reviews.subject=seller") else None
    if orders is None or orders.is_empty():
        return pl.DataFrame(schema=schema)
    rows = []
    for driver, needs in NEEDS.items():
        if not world.has(*needs):
            continue
        has, negative = orders[driver], orders["is_negative"]
        with_it, without = int(has.sum()), int((~has).sum())
        bad_with, bad_without = int((has & negative).sum()), int((~has & negative).sum())
        share_with = bad_with / with_it if with_it else None
        share_without = bad_without / without if without else None
        rows.append((
            driver, with_it, without, share_with, share_without,
            share_with - share_without if with_it and without else None,
            bad_with / (bad_with + bad_without) if bad_with + bad_without else None))
    return pl.DataFrame(rows, schema=schema, orient="row")


def masked(comment: str | None) -> str | None:
    """A comment without e-mail addresses and long numbers."""
    return None if comment is None else PRIVATE.sub(MASK, comment)


def examples_table(world: World) -> pl.DataFrame:
    """review_examples."""
    comments = read_columns(world.extracts, "reviews", "comment")
    worst = world.reviews.filter(pl.col("rating") <= 2).sort("review_id").sort(
        "created_at", descending=True, maintain_order=True).head(SHOWN)
    told = worst.join(comments, on="review_id", how="left", maintain_order="left")
    return told.select(
        "review_id", "rating", seller_id="seller",
        comment=pl.Series([masked(text) for text in told["comment"]], dtype=pl.String))
