"""kpi_drivers and gmv_bridge."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from python_checks.decisions.calendar import GRAINS, last_day
from python_checks.decisions.definitions import Definition
from python_checks.decisions.values import DRIVEN, SIDES, Row, Values, other_start, used_kpis
from python_checks.recompute.measure import ALL
from python_checks.recompute.money import as_number
from python_checks.recompute.periods import start_of
from python_checks.recompute.world import World

CLOSE = 1e-9
WHOLE = ["kpi_id", "period_grain", "compared_with"]
DRIVERS = {
    "kpi_id": pl.String, "period_grain": pl.String, "compared_with": pl.String, "dimension": pl.String,
    "dimension_value": pl.String, "period_start": pl.Date, "value_before": pl.Float64, "value_after": pl.Float64,
    "weight_before": pl.Float64, "weight_after": pl.Float64, "rate_effect": pl.Float64, "mix_effect": pl.Float64,
    "contribution": pl.Float64,
}
BRIDGE = {
    "bridge": pl.String, "period_grain": pl.String, "period_start": pl.Date, "compared_with": pl.String,
    "component": pl.String, "contribution": pl.Float64, "gmv_before": pl.Float64, "gmv_after": pl.Float64,
}


# -- drivers ----------------------------------------------------------------------------------------------------------


def kpi_drivers(values: Values, kpis: dict[str, Definition]) -> pl.DataFrame:
    """What the change of each KPI's latest final period is made of."""
    pairs = _pairs(values, kpis)
    dimensions = [(kpi.kpi_id, dimension) for kpi in kpis.values() for dimension in kpi.dimensions]
    listed = pl.DataFrame(dimensions, schema={"kpi_id": pl.String, "dimension": pl.String}, orient="row")
    segments = values.frame.filter(pl.col("dimension") != ALL).join(listed, on=listed.columns, how="semi")
    part = [*WHOLE, "dimension", "dimension_value"]

    def terms(start: str, number: int) -> pl.DataFrame:
        own = pairs.select(*WHOLE, period_start=start)
        return segments.join(own, on=["kpi_id", "period_grain", "period_start"]).select(
            *part, pl.col("numerator").fill_null(0.0).alias(f"n{number}"),
            pl.col("denominator").fill_null(0.0).alias(f"d{number}"))

    parts = terms("then_start", 0).join(terms("period_start", 1), on=part, how="full", coalesce=True)
    parts = parts.with_columns(pl.col("n0", "d0", "n1", "d1").fill_null(0.0)).join(pairs, on=WHOLE)

    def adds_up(term: str, whole: str) -> pl.Expr:
        total = pl.col(term).sum().over(*WHOLE, "dimension")
        return (total - pl.col(whole)).abs() <= CLOSE * pl.max_horizontal(pl.lit(1.0), pl.col(whole).abs())

    amounts = adds_up("n0", "N0") & adds_up("n1", "N1")
    ratios = amounts & adds_up("d0", "D0") & adds_up("d1", "D1")
    parts = parts.filter(pl.when("is_amount").then(amounts).otherwise(ratios))
    return _with_effects(parts).select(pl.col(name).cast(kind) for name, kind in DRIVERS.items())


def _pairs(values: Values, kpis: dict[str, Definition]) -> pl.DataFrame:
    """The latest final periods and the final ones each is compared with, with the terms of `all`: N and D, 0 before and
    1 after."""
    found = []
    for kpi in used_kpis(kpis, values):
        if kpi.shape == "percentile":
            continue
        for grain in DRIVEN:
            start = values.latest(kpi.kpi_id, grain)
            now = values.row(kpi.kpi_id, grain, start) if start else None
            for side in SIDES if now else ():
                then = values.row(kpi.kpi_id, grain, other_start(side, grain, start))
                if then and then.is_final and now.value is not None and then.value is not None:
                    found.append((
                        kpi.kpi_id, grain, side, then.start, now.start, kpi.shape == "amount", then.numerator,
                        then.denominator, now.numerator, now.denominator))
    schema = {
        **dict.fromkeys(WHOLE, pl.String), "then_start": pl.Date, "period_start": pl.Date, "is_amount": pl.Boolean,
        **dict.fromkeys(["N0", "D0", "N1", "D1"], pl.Float64)}
    return pl.DataFrame(found, schema=schema, orient="row")


def _with_effects(parts: pl.DataFrame) -> pl.DataFrame:
    def over(top: str, bottom: str) -> pl.Expr:
        return pl.when(pl.col(bottom) != 0).then(pl.col(top) / pl.col(bottom))

    def of_ratios(effect: pl.Expr) -> pl.Expr:
        return pl.when(~pl.col("is_amount")).then(effect)

    parts = parts.with_columns(
        w0=pl.when("is_amount").then(over("n0", "N0")).otherwise(over("d0", "D0")),
        w1=pl.when("is_amount").then(over("n1", "N1")).otherwise(over("d1", "D1")),
        r0=over("n0", "d0"), r1=over("n1", "d1"), mean=(pl.col("N0") / pl.col("D0") + pl.col("N1") / pl.col("D1")) / 2)
    shift = pl.col("w1") - pl.col("w0")
    own = (pl.coalesce("r0", "r1") + pl.coalesce("r1", "r0")) / 2  # a rate that is missing is that of the other period
    contribution = pl.col("n1") / pl.col("D1") - pl.col("n0") / pl.col("D0") - pl.col("mean") * shift
    mix = ((own - pl.col("mean")) * shift).fill_null(0.0)
    return parts.with_columns(
        value_before=pl.when("is_amount").then("n0").otherwise("r0"),
        value_after=pl.when("is_amount").then("n1").otherwise("r1"),
        weight_before="w0", weight_after="w1", mix_effect=of_ratios(mix), rate_effect=of_ratios(contribution - mix),
        contribution=pl.when("is_amount").then(pl.col("n1") - pl.col("n0")).otherwise(contribution))


# -- bridge -----------------------------------------------------------------------------------------------------------


def gmv_bridge(values: Values, world: World) -> pl.DataFrame:
    """What the change of gmv is made of: by traffic, and by buyers."""
    buyers = world.orders.select("customer_id", "order_day", gmv=as_number(pl.col("gmv")))
    found = []
    for grain in GRAINS:
        by_buyers = _by_buyers(buyers, grain)
        for now in values.all("gmv", grain):
            for side in SIDES:
                then = values.row("gmv", grain, other_start(side, grain, now.start))
                if not then or not _whole(now, grain, values) or not _whole(then, grain, values):
                    continue
                for bridge, parts in (
                    ("traffic", _traffic(values, grain, then, now)),
                    ("buyers", by_buyers(then, now)),
                ):
                    found += [
                        (bridge, grain, now.start, side, component, part, then.value, now.value)
                        for component, part in parts.items()]
    return pl.DataFrame(found, schema=BRIDGE, orient="row")


def _whole(row: Row, grain: str, values: Values) -> bool:
    return values.calendar.first_day <= row.start and last_day(grain, row.start) <= values.calendar.as_of


def _traffic(values: Values, grain: str, then: Row, now: Row) -> dict[str, float]:
    orders = [values.row("orders", grain, row.start).value for row in (then, now)]
    visits = [values.row("sessions", grain, row.start) for row in (then, now)]
    aov = [row.value / count if count else None for row, count in zip((then, now), orders, strict=True)]
    c0, c1 = (aov[0] if aov[0] is not None else aov[1] or 0.0), (aov[1] if aov[1] is not None else aov[0] or 0.0)
    if all(row is not None and row.is_covered and row.value for row in visits):
        a0, a1 = (row.value for row in visits)
        b0, b1 = orders[0] / a0, orders[1] / a1
        return {
            "sessions": _shapley(a0, a1, b0, b1, c0, c1),
            "orders_per_session": _shapley(b0, b1, a0, a1, c0, c1),
            "aov": _shapley(c0, c1, a0, a1, b0, b1),
        }
    return {
        "orders": (orders[1] - orders[0]) * (c0 + c1) / 2,
        "aov": (c1 - c0) * (orders[0] + orders[1]) / 2,
    }


def _shapley(a0: float, a1: float, b0: float, b1: float, c0: float, c1: float) -> float:
    return (a1 - a0) * (b0 * c0 / 3 + (b0 * c1 + b1 * c0) / 6 + b1 * c1 / 3)


def _by_buyers(orders: pl.DataFrame, grain: str) -> Callable[[Row, Row], dict[str, float]]:
    coded = pl.col("customer_id").cast(pl.Categorical).to_physical()  # numbers join faster than texts
    orders = orders.with_columns(coded, first_day=pl.col("order_day").min().over("customer_id"))
    spent = orders.group_by("customer_id", start=start_of(grain, pl.col("order_day"))).agg(
        pl.sum("gmv"), pl.first("first_day")).partition_by("start", as_dict=True, include_key=False)
    nothing = pl.DataFrame(schema={name: kind for name, kind in orders.schema.items() if name != "order_day"})
    bought, buys = pl.col("gmv"), pl.col("gmv_now")

    def parts(then: Row, now: Row) -> dict[str, float]:
        before, after = (spent.get((row.start,), nothing) for row in (then, now))
        is_new = pl.col("first_day_now") > last_day(grain, then.start)
        component = (
            pl.when(buys.is_null()).then(pl.lit("lost")).when(bought.is_not_null()).then(pl.lit("kept"))
            .when(is_new).then(pl.lit("new")).otherwise(pl.lit("reactivated")))
        sums = before.join(after, on="customer_id", how="full", coalesce=True, suffix="_now").group_by(
            component.alias("component")).agg((buys.fill_null(0.0) - bought.fill_null(0.0)).sum())
        found = dict(sums.iter_rows())
        return {name: found.get(name, 0.0) for name in ("new", "kept", "reactivated", "lost")}

    return parts
