"""kpi_drivers and gmv_bridge."""

from __future__ import annotations

from collections import defaultdict

import polars as pl

from python_checks.decisions.calendar import GRAINS, last_day
from python_checks.decisions.definitions import Definition
from python_checks.decisions.values import DRIVEN, SIDES, Row, Values, other_start, used_kpis
from python_checks.recompute.measure import ALL
from python_checks.recompute.money import as_number
from python_checks.recompute.periods import start_of
from python_checks.recompute.world import World

CLOSE = 1e-9
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
    pairs = {}
    for kpi in used_kpis(kpis, values):
        if kpi.shape == "percentile":
            continue
        for grain in DRIVEN:
            start = values.latest(kpi.kpi_id, grain)
            now = values.row(kpi.kpi_id, grain, start) if start else None
            for side in SIDES if now else ():
                then = values.row(kpi.kpi_id, grain, other_start(side, grain, start))
                if then and then.is_final and now.value is not None and then.value is not None:
                    pairs[kpi.kpi_id, grain, side] = (then, now)
    rows = _segments(values, pairs)
    found = []
    for (kpi_id, grain, side), (then, now) in pairs.items():
        kpi = kpis[kpi_id]
        terms = defaultdict(lambda: defaultdict(dict))  # dimension, value, period start
        for start in (then.start, now.start):
            for dimension, value, top, bottom in rows.get((kpi_id, grain, start), ()):
                terms[dimension][value][start] = (top or 0.0, bottom or 0.0)
        for dimension, its in terms.items():
            if dimension not in kpi.dimensions:
                continue
            parts = {
                value: (each.get(then.start, (0.0, 0.0)), each.get(now.start, (0.0, 0.0)))
                for value, each in its.items()}
            if _adds_up(parts, then, now, kpi):
                found += [
                    (kpi_id, grain, side, dimension, value, now.start, *_effects(*part, then, now, kpi))
                    for value, part in parts.items()]
    return pl.DataFrame(found, schema=DRIVERS, orient="row")


def _segments(values: Values, pairs: dict) -> dict[tuple, list[tuple]]:
    wanted = sorted({(kpi_id, grain, row.start) for (kpi_id, grain, _), two in pairs.items() for row in two})
    schema = {"kpi_id": pl.String, "period_grain": pl.String, "period_start": pl.Date}
    keys = pl.DataFrame(wanted, schema=schema, orient="row")
    rows = values.frame.filter(pl.col("dimension") != ALL).join(keys, on=keys.columns, how="semi")
    found = defaultdict(list)
    for kpi_id, grain, start, *rest in rows.select(
            *schema, "dimension", "dimension_value", "numerator", "denominator").iter_rows():
        found[kpi_id, grain, start].append(rest)
    return found


def _adds_up(parts: dict, then: Row, now: Row, kpi: Definition) -> bool:
    for period, row in enumerate((then, now)):
        terms = [row.numerator] if kpi.shape == "amount" else [row.numerator, row.denominator]
        for place, whole in enumerate(terms):
            total = sum(part[period][place] for part in parts.values())
            if abs(total - whole) > CLOSE * max(1.0, abs(whole)):
                return False
    return True


def _effects(before: tuple, after: tuple, then: Row, now: Row, kpi: Definition) -> tuple:
    """value_before, value_after, weight_before, weight_after, rate_effect, mix_effect, contribution."""
    (n0, d0), (n1, d1) = before, after
    if kpi.shape == "amount":
        shares = (n / row.numerator if row.numerator else None for n, row in ((n0, then), (n1, now)))
        return n0, n1, *shares, None, None, n1 - n0
    w0, w1 = d0 / then.denominator, d1 / now.denominator
    r0, r1 = (n / d if d else None for n, d in (before, after))
    mean = (then.value + now.value) / 2
    contribution = n1 / now.denominator - n0 / then.denominator - mean * (w1 - w0)
    if r0 is None and r1 is None:
        mix = 0.0
    else:
        mix = (((r1 if r0 is None else r0) + (r0 if r1 is None else r1)) / 2 - mean) * (w1 - w0)
    return r0, r1, w0, w1, contribution - mix, mix, contribution


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


def _by_buyers(orders: pl.DataFrame, grain: str):
    first = dict(orders.group_by("customer_id").agg(pl.min("order_day")).iter_rows())
    sums = orders.group_by("customer_id", start_of(grain, pl.col("order_day")).alias("start")).agg(pl.sum("gmv"))
    spent = defaultdict(dict)
    for customer, start, gmv in sums.iter_rows():
        spent[start][customer] = gmv

    def parts(then: Row, now: Row) -> dict[str, float]:
        bought, buys = spent.get(then.start, {}), spent.get(now.start, {})
        end = last_day(grain, then.start)
        sums = {"new": 0.0, "kept": 0.0, "reactivated": 0.0, "lost": 0.0}
        for customer, gmv in buys.items():
            if customer in bought:
                sums["kept"] += gmv - bought[customer]
            else:
                sums["new" if first[customer] > end else "reactivated"] += gmv
        sums["lost"] -= sum(gmv for customer, gmv in bought.items() if customer not in buys)
        return sums

    return parts
