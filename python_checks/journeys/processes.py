"""From payment to delivery: where time goes."""

from __future__ import annotations

import polars as pl

from python_checks.recompute.measure import ALL, UNKNOWN
from python_checks.recompute.periods import hours_between
from python_checks.recompute.world import World

KEY = ["period_start", "dimension", "dimension_value"]


def _seller_orders(world: World, by: str | None = None) -> pl.DataFrame:
    """Valid seller orders (of the lines of each category, when by category) with the month of their payment."""
    keys = ["order_id", "seller_id"] if by is None else ["order_id", "seller_id", by]
    valid = world.valid_lines.select(keys).unique()
    return world.seller_orders(world.lines, by).join(valid, on=keys, how="semi").with_columns(
        period_start=world.calendar.day("paid_at").dt.month_start())


def steps_of(world: World) -> dict[str, tuple[pl.Expr, pl.Expr, pl.Expr]]:
    """Per step: whether a seller order is in it or through it, and the instants at which it begins and ends."""
    paid, accepted, shipped, delivered = (
        pl.col(name) for name in ("paid_at", "accepted_at", "shipped_at", "delivered_at"))
    always, is_accepted = pl.lit(True), (pl.col("state") == "accepted").fill_null(False)
    steps = {}
    if world.has("order_lines.accepted_at"):
        steps["paid_to_accepted"] = (
            is_accepted | (pl.col("state") == "waiting").fill_null(False), paid, pl.when(is_accepted).then(accepted))
        steps["accepted_to_shipped"] = (is_accepted, accepted, shipped)
    else:
        steps["paid_to_shipped"] = (always, paid, shipped)
    if not world.has("order_lines.shipped_at|order_lines.delivered_at"):
        steps = {name: step for name, step in steps.items() if not name.endswith("shipped")}
    if world.has("order_lines.shipped_at", "order_lines.delivered_at"):
        steps["shipped_to_delivered"] = (shipped.is_not_null(), shipped, delivered)
    return steps


def process_table(world: World) -> pl.DataFrame:
    """process_steps."""
    steps, whole, parts = steps_of(world), _seller_orders(world), []
    by = {ALL: whole, "country": whole, "category": _seller_orders(world, "category")}
    for dimension, orders in by.items():
        value = pl.lit(ALL) if dimension == ALL else pl.col(dimension).fill_null(UNKNOWN)
        segments = orders.with_columns(dimension=pl.lit(dimension), dimension_value=value)
        for place, (name, (takes_part, begin, end)) in enumerate(steps.items()):
            hours = pl.when(takes_part).then(hours_between(begin, end))
            parts.append(segments.group_by(KEY).agg(
                n=hours.count().cast(pl.Int64),
                still_open=(takes_part & begin.is_not_null() & end.is_null()).sum().cast(pl.Int64),
                p50_hours=hours.median(), p90_hours=hours.quantile(0.9, "linear"),
            ).with_columns(step=pl.lit(name), place=pl.lit(place)))
    rows = pl.concat(parts)
    total = pl.col("p50_hours").sum().over(KEY)
    before = rows.select(
        pl.col("period_start").dt.offset_by("1mo"), "dimension", "dimension_value", "step", p50_before="p50_hours")
    longest = rows.filter(pl.col("p50_hours").is_not_null()).sort("place").sort(
        "p50_hours", descending=True, maintain_order=True).unique(KEY, keep="first", maintain_order=True)
    return (
        rows.with_columns(share=pl.when(total > 0).then(pl.col("p50_hours") / total))
        .join(before, on=[*KEY, "step"], how="left")
        .join(longest.select(*KEY, "step", is_bottleneck=pl.lit(True)), on=[*KEY, "step"], how="left")
        .select(*KEY, "step", "n", "still_open", "p50_hours", "p90_hours", "share", "p50_before",
                pl.col("is_bottleneck").fill_null(False)))
