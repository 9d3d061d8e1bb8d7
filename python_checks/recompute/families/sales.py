"""Sales: orders, merchandise value, what the platform earns."""

from __future__ import annotations

import polars as pl

from python_checks.recompute import ledger
from python_checks.recompute.catalogue import declare
from python_checks.recompute.measure import KpiRows, combine, measure
from python_checks.recompute.money import as_number
from python_checks.recompute.world import ORDER_DIMENSIONS, World

declare("sales", """
orders - {order_dimensions} -
valid_orders - {order_dimensions} -
transactions - country,region payments
transaction_volume - country,region payments
gmv - {order_dimensions} -
gmv_net 60 {order_dimensions} {net}
platform_revenue - seller {commission},{shipped}
commission_rate - {order_dimensions} {commission}
take_rate - seller {commission},{shipped}
multi_product_order_share - country,region,sales_channel,customer_type -
aov - {order_dimensions} -
median_order_value - country,region,sales_channel,customer_type -
items_per_order - {order_dimensions} -
arpu - - {commission},{shipped}
refunded_amount - seller,category refunds
gross_margin - - {commission},{shipped},{direct_cost}
gross_margin_rate - - {commission},{shipped},{direct_cost}
contribution_margin - - ad_spend,{commission},operating_costs,{shipped},{direct_cost}
""")



def add(rows: KpiRows, world: World) -> None:
    """Adds the rows of the sales KPIs."""
    if rows.wants(
        "orders", "valid_orders", "gmv", "gmv_net", "commission_rate", "multi_product_order_share", "aov",
        "items_per_order",
    ):
        _orders(rows, world)
    if rows.wants("median_order_value"):
        _order_values(rows, world)
    if rows.wants("transactions", "transaction_volume"):
        _payments(rows, world)
    if rows.wants("refunded_amount"):
        _refunds(rows, world)
    if rows.wants(
        "platform_revenue", "take_rate", "arpu", "gross_margin", "gross_margin_rate", "contribution_margin",
    ):
        _platform(rows, world)


def _orders(rows: KpiRows, world: World) -> None:
    terms = {
        "orders": pl.len(),
        "valid_orders": pl.col("is_valid").sum(),
        "multi_product_orders": (pl.col("products") >= 2).sum(),
        "gmv": pl.sum("gmv"),
        "gmv_net": pl.sum("net_value"),
        "valid_value": pl.sum("valid_value"),
        "commission": pl.sum("commission"),
        "quantity": pl.sum("quantity"),
    }
    day = "order_day"
    orders = pl.concat([
        measure(world.calendar, world.orders, day, ORDER_DIMENSIONS, **terms),
        measure(world.calendar, world.orders_by("category"), day, ["category"], overall=False, **terms),
        measure(world.calendar, world.orders_by("seller"), day, ["seller"], overall=False, **terms),
    ])
    rows.amount("orders", orders, "orders")
    rows.amount("valid_orders", orders, "valid_orders")
    rows.amount("gmv", orders, "gmv")
    rows.amount("gmv_net", orders, "gmv_net")
    rows.ratio("commission_rate", orders, "commission", "valid_value")
    rows.ratio("multi_product_order_share", orders, "multi_product_orders", "valid_orders")
    rows.ratio("aov", orders, "gmv", "orders")
    rows.ratio("items_per_order", orders, "quantity", "orders")


def _order_values(rows: KpiRows, world: World) -> None:
    values = world.orders.with_columns(gmv=as_number(pl.col("gmv")))
    median = measure(
        world.calendar, values, "order_day", ["country", "region", "sales_channel", "customer_type"],
        median=pl.median("gmv"), orders=pl.len())
    rows.percentile("median_order_value", median, "median", "orders")


def _payments(rows: KpiRows, world: World) -> None:
    succeeded = world.payments.filter("is_succeeded")
    payments = measure(
        world.calendar, succeeded, "day", ["country", "region"], transactions=pl.len(), volume=pl.sum("amount"))
    rows.amount("transactions", payments, "transactions")
    rows.amount("transaction_volume", payments, "volume")


def _refunds(rows: KpiRows, world: World) -> None:
    of_line = world.all_lines.select("order_line_id", "seller", "category")
    refunds = world.refunds.join(of_line, on="order_line_id", how="left")
    refunded = measure(world.calendar, refunds, "day", ["seller", "category"], refunded=pl.sum("amount"))
    rows.amount("refunded_amount", refunded, "refunded")


def _platform(rows: KpiRows, world: World) -> None:
    calendar, total = world.calendar, pl.sum("amount")
    earned = ledger.platform_revenue(world)
    margin = pl.concat([earned, ledger.direct_cost(world)])
    contribution = pl.concat([margin, ledger.operating_cost(world), ledger.advertising(world)])
    shipped = world.shipped_lines.filter("is_paid")

    terms = combine(
        measure(calendar, earned, "day", ["seller"], revenue=total),
        measure(calendar, shipped, "ship_day", ["seller"], shipped_value=pl.sum("line_value")),
        measure(calendar, margin, "day", [], margin=total),
        measure(calendar, contribution, "day", [], contribution=total),
        measure(calendar, world.buyer_orders, "order_day", [], buyers=pl.n_unique("customer_id")),
    )
    rows.amount("platform_revenue", terms, "revenue")
    rows.ratio("take_rate", terms, "revenue", "shipped_value")
    rows.ratio("arpu", terms, "revenue", "buyers")
    rows.amount("gross_margin", terms, "margin")
    rows.ratio("gross_margin_rate", terms, "margin", pl.when(pl.col("revenue") > 0).then("revenue"))
    rows.amount("contribution_margin", terms, "contribution")
