"""Loyalty: who buys, who comes back, what a buyer is worth."""

from __future__ import annotations

import polars as pl

from python_checks.recompute.catalogue import declare
from python_checks.recompute.measure import KpiRows, combine, count_rolling, measure, measure_grain, windows
from python_checks.recompute.periods import GRAINS, days_between
from python_checks.recompute.world import BUYER_DIMENSIONS, World

declare("loyalty", """
active_buyers - {buyer_dimensions} -
period_buyers - {buyer_dimensions} -
returning_buyer_share - {buyer_dimensions} -
returning_order_share - {buyer_dimensions} -
repeat_purchase_rate_90d 90 {buyer_dimensions} -
retention_rate - {buyer_dimensions} -
churn_rate_180d - {buyer_dimensions} -
ltv_12m 365 {buyer_dimensions} {commission}
ltv_cac_ratio 365 - ad_spend,{commission},{buyer_ads}
second_seller_rate - {buyer_dimensions} -
""")


REPEAT_DAYS = 90
LIFETIME_DAYS = 364
BUYER = ["customer_id", *BUYER_DIMENSIONS]


def add(rows: KpiRows, world: World) -> None:
    """Adds the rows of the loyalty KPIs."""
    if rows.wants("period_buyers", "returning_buyer_share", "returning_order_share"):
        _periods(rows, world)
    if rows.wants("retention_rate"):
        _retention(rows, world)
    if rows.wants("repeat_purchase_rate_90d", "ltv_12m", "ltv_cac_ratio"):
        _new_buyers(rows, world)
    if rows.wants("active_buyers", "second_seller_rate", "churn_rate_180d"):
        _rolling(rows, world)


def _periods(rows: KpiRows, world: World) -> None:
    buyer, is_repeat = pl.col("customer_id"), pl.col("nth") > 1
    # An order that is not the buyer's first has an earlier one, either before the period or in it.
    buyers = measure(
        world.calendar, world.purchases, "order_day", BUYER_DIMENSIONS,
        buyers=buyer.n_unique(), returning=buyer.filter(is_repeat).n_unique())
    rows.amount("period_buyers", buyers, "buyers")
    rows.ratio("returning_buyer_share", buyers, "returning", "buyers")

    orders = measure(
        world.calendar, world.buyer_orders, "order_day", BUYER_DIMENSIONS, orders=pl.len(), repeats=is_repeat.sum())
    rows.ratio("returning_order_share", orders, "repeats", "orders")


def _retention(rows: KpiRows, world: World) -> None:
    parts = []
    for grain, length in GRAINS.items():
        orders = world.purchases.select("order_day", *BUYER)
        buyers = world.calendar.within(grain, orders, "order_day").select("period_start", *BUYER).unique()
        now = buyers.select("period_start", "customer_id", is_back=pl.lit(True))
        before = buyers.with_columns(pl.col("period_start").dt.offset_by(length)).filter(
            pl.col("period_start") <= world.calendar.as_of)
        before = before.join(now, on=["period_start", "customer_id"], how="left")
        terms = {"buyers": pl.len(), "back": pl.col("is_back").fill_null(False).sum()}
        parts.append(measure_grain(before, grain, ["all", *BUYER_DIMENSIONS], terms))
    rows.ratio("retention_rate", pl.concat(parts), "back", "buyers")


def _new_buyers(rows: KpiRows, world: World) -> None:
    age = days_between(pl.col("first_day"), pl.col("order_day"))
    lifetime = world.purchases.filter(age <= LIFETIME_DAYS).group_by("customer_id").agg(earned=pl.sum("earned"))
    new_buyers = world.new_buyers.drop("earned").join(lifetime, on="customer_id", how="left", maintain_order="left")
    came_back = days_between(pl.col("first_day"), pl.col("second_day")) <= REPEAT_DAYS
    cost = world.spend_on("buyers", all_but="retention")
    terms = combine(
        measure(
            world.calendar, new_buyers, "first_day", BUYER_DIMENSIONS,
            new_buyers=pl.len(), came_back=came_back.sum(), earned=pl.sum("earned")),
        measure(world.calendar, cost, "spend_date", [], cost=pl.sum("cost")),
    )
    rows.ratio("repeat_purchase_rate_90d", terms, "came_back", "new_buyers")
    rows.ratio("ltv_12m", terms, "earned", "new_buyers")

    def per_buyer(term: str) -> pl.Expr:
        return pl.when(pl.col("new_buyers") > 0).then(pl.col(term) / pl.col("new_buyers"))

    rows.ratio("ltv_cac_ratio", terms, per_buyer("earned"), per_buyer("cost"))


def _rolling(rows: KpiRows, world: World) -> None:
    def count(name: str, condition: pl.Expr, **intervals: pl.DataFrame) -> pl.DataFrame:
        return count_rolling(world.calendar, intervals, "customer_id", condition, BUYER_DIMENSIONS, name)

    purchases, day = world.purchases, "order_day"
    year = windows(purchases, BUYER, day, 365)
    recent, earlier = windows(purchases, BUYER, day, 180), windows(purchases, BUYER, day, 180, back=180)
    place = purchases.select("order_id", "channel", place=pl.struct("country", "region"))
    sales = world.valid_lines.select("order_id", "customer_id", "customer_type", "seller_id", day).join(
        place, on="order_id").unnest("place")
    sellers = windows(sales, [*BUYER, "seller_id"], day, 365)

    active = count("active", pl.col("year") > 0, year=year)
    rows.amount("active_buyers", active, "active")
    rows.ratio(
        "second_seller_rate", combine(active, count("several", pl.col("sellers") >= 2, sellers=sellers)),
        "several", "active")
    was_active, is_gone = pl.col("earlier") > 0, pl.col("recent") == 0
    lost = combine(
        count("before", was_active, earlier=earlier),
        count("lost", was_active & is_gone, earlier=earlier, recent=recent),
    )
    rows.ratio("churn_rate_180d", lost, "lost", "before")
