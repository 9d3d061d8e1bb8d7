"""Sellers held against each other: benchmarks a seller may see, and the largest sellers of a period."""

from __future__ import annotations

import polars as pl

from python_checks.decisions.scorecard import SAME
from python_checks.recompute.measure import ALL, UNKNOWN
from python_checks.recompute.periods import COARSE_GRAINS, GRAINS
from python_checks.recompute.world import World
from python_checks.sellers.evaluation import LEAST_VOLUME
from python_checks.sellers.things import COUNT, JUDGED

SMALLEST_GROUP = 6
LEAST_VIEWS = 20
SHOWN = 100
BENCHMARKED = [kpi_id for kpi_id, judged in JUDGED.items() if judged.kind != COUNT]
OF_TOP = ["gmv_net", "product_views"]


def main_categories(world: World, months: list) -> pl.DataFrame:
    """seller, period_start and category: the one with the largest net value, above 0, of the 12 months to a month."""
    sums = world.lines.group_by(
        "category", seller="seller_id", month=pl.col("order_day").dt.month_start()).agg(pl.sum("net_value"))
    parts = []
    for month in months:
        last = pl.lit(month)
        held = sums.filter(pl.col("month").is_between(last.dt.offset_by("-11mo"), last))
        held = held.group_by("seller", "category").agg(pl.sum("net_value")).filter(pl.col("net_value") > 0)
        parts.append(
            held.sort("category").sort("net_value", descending=True, maintain_order=True)
            .group_by("seller", maintain_order=True).agg(own_category=pl.first("category"))
            .with_columns(period_start=last))
    nothing = {"seller": pl.String, "own_category": pl.String, "period_start": pl.Date}
    return pl.concat([pl.DataFrame(schema=nothing), *parts])


def benchmarks_table(world: World, values: pl.DataFrame) -> pl.DataFrame:
    """seller_benchmarks from the month rows of kpi_values by seller."""
    rows = values.filter(
        (pl.col("period_grain") == "month") & (pl.col("dimension") == "seller")
        & (pl.col("dimension_value") != UNKNOWN) & pl.col("kpi_id").is_in(BENCHMARKED)
        & (pl.col("sample_size") >= LEAST_VOLUME) & pl.col("value").is_not_null()
    ).select("kpi_id", "period_start", "value", seller="dimension_value")
    categories = main_categories(world, rows["period_start"].unique().sort().to_list())
    rows = rows.join(categories, on=["seller", "period_start"], how="left")
    market, direction = ["kpi_id", "period_start"], {kpi_id: JUDGED[kpi_id].direction for kpi_id in BENCHMARKED}
    rows = rows.with_columns(
        direction=pl.col("kpi_id").replace_strict(direction, return_dtype=pl.String),
        in_category=pl.len().over([*market, "own_category"]))
    is_own = pl.col("own_category").is_not_null() & (pl.col("in_category") >= SMALLEST_GROUP)
    # larger is better in this, and who ranks highest among equals has all of them at or below
    goodness = pl.when(pl.col("direction") == "down").then(-pl.col("value")).otherwise("value").round(SAME)
    compared = {
        "group_size": pl.len().cast(pl.Int64), "group_median": pl.median("value"),
        "percentile": goodness.rank("max") / pl.len(),
    }
    rows = rows.with_columns(is_own=is_own, **{
        name: pl.when(is_own).then(term.over([*market, "own_category"])).otherwise(term.over(market))
        for name, term in compared.items()})
    is_large = pl.col("group_size") >= SMALLEST_GROUP
    return rows.select(
        "period_start", "kpi_id", "value", "group_size", seller_id="seller",
        seller_group=pl.when("is_own").then("own_category").otherwise(pl.lit(ALL)),
        group_median=pl.when(is_large).then("group_median"),
        percentile=pl.when(is_large & (pl.col("direction") != "neutral")).then("percentile"))


def top_table(values: pl.DataFrame) -> pl.DataFrame:
    """top_sellers from kpi_values."""
    period = ["period_grain", "period_start"]
    kept = values.filter(pl.col("period_grain").is_in(COARSE_GRAINS))

    def of(kpi_id: str, dimension: str) -> pl.DataFrame:
        own = kept.filter((pl.col("kpi_id") == kpi_id) & (pl.col("dimension") == dimension))
        return own.select(*period, "value", seller_id="dimension_value")

    sellers = of("gmv_net", "seller").filter(pl.col("value") > 0).rename({"value": "gmv_net"})
    ranked = sellers.sort("seller_id").sort("gmv_net", descending=True, maintain_order=True).with_columns(
        rank=pl.int_range(1, pl.len() + 1).over(period), so_far=pl.col("gmv_net").cum_sum().over(period))
    after = pl.concat(
        ranked.filter(pl.col("period_grain") == grain).select(
            "period_grain", pl.col("period_start").dt.offset_by(GRAINS[grain]), "seller_id", rank_before="rank")
        for grain in COARSE_GRAINS)
    views, all_views = of("product_views", "seller"), of("product_views", ALL)
    total = of("gmv_net", ALL).select(*period, total="value")
    rows = (
        ranked.filter(pl.col("rank") <= SHOWN)
        .join(total, on=period, how="left")
        .join(after, on=[*period, "seller_id"], how="left")
        .join(views.rename({"value": "views"}), on=[*period, "seller_id"], how="left")
        .join(all_views.select(*period, all_views="value"), on=period, how="left")
        .with_columns(views=pl.when(pl.col("all_views") > 0).then(pl.col("views").fill_null(0)))
        .with_columns(
            share=pl.col("gmv_net") / pl.col("total"), cumulated_share=pl.col("so_far") / pl.col("total"),
            view_share=pl.col("views") / pl.col("all_views")))
    return rows.select(
        *period, "rank", "seller_id", "gmv_net", "share", "cumulated_share", "view_share",
        conversion_gap=pl.when(pl.col("views") >= LEAST_VIEWS).then(pl.col("share") / pl.col("view_share")),
        rank_before=pl.col("rank_before").cast(pl.Int64))
