"""Cohorts of buyers and sellers, and what is bought together."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import combinations, groupby
from operator import itemgetter

import polars as pl

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.money import as_number
from python_checks.recompute.world import World
from python_checks.sellers.columns import read_columns

YEAR = 365
MOST_ITEMS = 50
LEAST_ORDERS = 5


def cohorts_table(world: World) -> pl.DataFrame:
    """cohort_retention."""
    buyers = world.buyer_orders.select("order_day", "net_value", who="customer_id")
    # a seller's valid seller orders: those with a valid line of it, whole
    sales = world.lines.group_by("order_id", "seller_id").agg(
        pl.first("order_day"), pl.sum("net_value"), pl.any("is_valid")).filter("is_valid")
    sellers = sales.select("order_day", "net_value", who="seller_id")
    return pl.concat([_cohorts(world, "buyers", buyers), _cohorts(world, "sellers", sellers)])


def _cohorts(world: World, side: str, orders: pl.DataFrame) -> pl.DataFrame:
    calendar = world.calendar
    as_of = pl.lit(calendar.as_of)
    monthly = orders.with_columns(month=pl.col("order_day").dt.month_start()).group_by("who", "month").agg(
        pl.sum("net_value"))
    monthly = monthly.with_columns(cohort_month=pl.col("month").min().over("who"))
    active = monthly.group_by("cohort_month", "month").agg(
        active=pl.len().cast(pl.Int64), gmv_net=as_number(pl.sum("net_value")))
    sizes = active.filter(pl.col("month") == pl.col("cohort_month")).select(
        "cohort_month", size="active", gmv_first="gmv_net")
    months = sizes.with_columns(
        month=pl.date_ranges("cohort_month", as_of.dt.month_start(), "1mo")).explode("month")
    rows = months.join(active, on=["cohort_month", "month"], how="left").with_columns(
        pl.col("active", "gmv_net").fill_null(0))

    def number(column: str) -> pl.Expr:
        return pl.col(column).dt.year().cast(pl.Int64) * 12 + pl.col(column).dt.month()

    knows_net = pl.lit(world.has(*KPIS["gmv_net"].needs))
    return rows.select(
        "cohort_month", "size", "active", side=pl.lit(side), month_no=number("month") - number("cohort_month"),
        gmv_net=pl.when(knows_net).then("gmv_net"),
        retention=pl.col("active") / pl.col("size"),
        gmv_retention=pl.when(knows_net & (pl.col("gmv_first") > 0)).then(pl.col("gmv_net") / pl.col("gmv_first")),
        is_partial=pl.col("month").dt.month_end() > as_of,
        is_left_censored=pl.col("cohort_month") == pl.lit(calendar.first_day).dt.month_start())


def pairs_table(world: World) -> pl.DataFrame:
    """cross_sell_pairs, by plain counting."""
    first = world.calendar.as_of - dt.timedelta(days=YEAR - 1)
    orders = world.orders.filter(pl.col("order_day") >= first).select("order_id")
    families = read_columns(world.extracts, "products", "product_family").select("product_id", "product_family")
    bought = (
        world.lines.select("order_id", "product_id", "seller_id")
        .join(orders, on="order_id", how="semi")
        .join(families, on="product_id", how="left")
        .select("order_id", "seller_id", item=pl.coalesce("product_family", "product_id"))
        .unique().sort("order_id"))
    count, single, pairs, apart = count_pairs(bought.select("order_id", "item", "seller_id").iter_rows(), len(orders))
    rows = []
    for (a, b), both in pairs.items():
        if both < LEAST_ORDERS:
            continue
        expected = single[a] * single[b] / count
        rows.append((a, b, both, expected, both / count, both / single[a], both / single[b],
                     both * count / (single[a] * single[b]), apart[a, b] / both))
    columns = ["expected_orders", "support", "confidence", "confidence_back", "lift", "cross_seller_share"]
    schema = {"first_item": pl.String, "second_item": pl.String, "pair_orders": pl.Int64,
              **dict.fromkeys(columns, pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def count_pairs(bought, orders: int) -> tuple[int, Counter, Counter, Counter]:
    """How many orders count, and how many of them hold each item, each pair, and a pair of which no seller sold both.

    `bought` are order, item and seller, in the order of orders; `orders` how many orders there are.
    """
    single, pairs, apart = Counter(), Counter(), Counter()
    for _, rows in groupby(bought, itemgetter(0)):
        sellers: dict[str, set[str]] = {}
        for _, item, seller in rows:
            sellers.setdefault(item, set()).add(seller)
        if len(sellers) > MOST_ITEMS:
            orders -= 1
            continue
        single.update(list(sellers))
        for a, b in combinations(sorted(sellers), 2):
            pairs[a, b] += 1
            apart[a, b] += sellers[a].isdisjoint(sellers[b])
    return orders, single, pairs, apart
