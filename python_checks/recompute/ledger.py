"""What the platform earns and spends: one row per dated entry with day, seller and amount in exact units."""

from __future__ import annotations

import polars as pl

from python_checks.recompute.world import World


def _entries(frame: pl.DataFrame, day: str, seller: pl.Expr, amount: pl.Expr) -> pl.DataFrame:
    return frame.select(day=day, seller=seller, amount=amount)


def platform_revenue(world: World) -> pl.DataFrame:
    """Commission of shipped lines of paid orders, platform discounts of shipped lines, reversed commission, fees."""
    shipped = world.shipped_lines
    commission = pl.when("is_paid").then("commission").otherwise(pl.lit(0, pl.Int128))
    fees = world.tables["seller_fees"].with_columns(day=world.calendar.day("charged_at"))
    fees = world.money.convert(fees, ["amount"], "day")
    # what is reversed was charged: lines of orders never paid have no commission
    refunds = world.refunds.join(world.lines.select("order_line_id", "seller"), on="order_line_id")
    return pl.concat([
        _entries(shipped, "ship_day", pl.col("seller"), commission - pl.col("platform_discount")),
        _entries(refunds, "day", pl.col("seller"), 0 - pl.col("commission_reversed")),
        _entries(fees, "day", pl.col("seller_id"), pl.col("amount")),
    ])


def direct_cost(world: World) -> pl.DataFrame:
    """Handling cost of shipped lines and fees of succeeded payments, as negative amounts."""
    payments = world.payments.filter("is_succeeded")
    nobody = pl.lit(None, pl.String)
    return pl.concat([
        _entries(world.shipped_lines, "ship_day", pl.col("seller"), 0 - pl.col("handling_cost")),
        _entries(payments, "day", nobody, 0 - pl.col("fee_amount")),
    ])


def operating_cost(world: World) -> pl.DataFrame:
    """Operating costs, as negative amounts."""
    costs = world.money.convert(world.tables["operating_costs"], ["amount"], "cost_date")
    return _entries(costs, "cost_date", pl.lit(None, pl.String), 0 - pl.col("amount"))


def advertising(world: World) -> pl.DataFrame:
    """Advertising spend, as negative amounts."""
    return _entries(world.ad_spend, "spend_date", pl.lit(None, pl.String), 0 - pl.col("cost"))
