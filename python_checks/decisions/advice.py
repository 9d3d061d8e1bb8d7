"""swot, balance_advice and decision_log."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from python_checks.decisions.calendar import DAY
from python_checks.decisions.comparisons import covered_days, day_sums
from python_checks.decisions.definitions import COARSE, Definition
from python_checks.decisions.inputs import Target, Targets
from python_checks.decisions.scorecard import better
from python_checks.decisions.signals import mann_kendall
from python_checks.decisions.values import Values
from python_checks.recompute.measure import ALL

POINTS = {
    "status": {"good": 1, "warn": -1, "alert": -2},
    "verdict": {"improving": 1, "worsening": -1},
    "benchmark_position": {"better": 1, "worse": -1},
}
QUADRANTS = {
    ("internal", True): "strength", ("internal", False): "weakness",
    ("external", True): "opportunity", ("external", False): "threat",
}
SWOT = {"kpi_id": pl.String, "period_start": pl.Date, "quadrant": pl.String}

RATIO = "buyer_seller_ratio"
LEAST_SELLERS, BAND_MONTHS, LEAST_OF_BAND, TREND_MONTHS, SURE = 5, 12, 8, 6, 0.1
BALANCE = {
    "period_start": pl.Date, "dimension": pl.String, "dimension_value": pl.String, "buyer_seller_ratio": pl.Float64,
    "band_low": pl.Float64, "band_high": pl.Float64, "level": pl.String, "trend": pl.String, "advice": pl.String,
}

USUAL_DAYS = 28
LOG = {
    "action_id": pl.String, "kpi_id": pl.String, "before": pl.Float64, "during": pl.Float64, "after": pl.Float64,
    "change": pl.Float64, "is_better": pl.Boolean, "note": pl.String,
}


# -- swot -------------------------------------------------------------------------------------------------------------


def swot(scorecard: pl.DataFrame, trends: pl.DataFrame, kpis: dict[str, Definition]) -> pl.DataFrame:
    """The KPIs of which good or bad prevails in their latest final month; what their evidence must name is in
    `evidence_of`."""
    verdicts = dict(trends.filter(pl.col("period_grain") == "month").select("kpi_id", "verdict").iter_rows())
    found = []
    for row in _latest_months(scorecard).values():
        told = {"verdict": verdicts.get(row["kpi_id"]), **row}
        points = sum(scale.get(told[name], 0) for name, scale in POINTS.items())
        if points:
            quadrant = QUADRANTS[kpis[row["kpi_id"]].scope, points > 0]
            found.append((row["kpi_id"], row["period_start"], quadrant))
    return pl.DataFrame(found, schema=SWOT, orient="row")


def evidence_of(scorecard: pl.DataFrame) -> dict[str, dict]:
    """Per KPI the row of its latest final month, whose value, target, trend and benchmark the evidence tells."""
    return _latest_months(scorecard)


def _latest_months(scorecard: pl.DataFrame) -> dict[str, dict]:
    rows = scorecard.filter((pl.col("period_grain") == "month") & (pl.col("dimension") == ALL) & pl.col("is_latest"))
    return {row["kpi_id"]: row for row in rows.sort("kpi_id").iter_rows(named=True)}


# -- balance ----------------------------------------------------------------------------------------------------------


def balance_advice(values: Values, targets: Targets) -> pl.DataFrame:
    """Where buyers are to be attracted, where sellers are to be recruited, month by month."""
    whole = [row.start for row in values.all(RATIO, "month") if row.is_final]
    rows = values.frame.filter(
        (pl.col("kpi_id") == RATIO) & (pl.col("period_grain") == "month")
        & pl.col("dimension").is_in([ALL, "category"]))
    segments: dict[tuple, dict] = {}
    for row in rows.iter_rows(named=True):
        segments.setdefault((row["dimension"], row["dimension_value"]), {})[row["period_start"]] = row
    found = []
    for segment, months in segments.items():
        for place, month in enumerate(whole):
            if month in months:
                target = targets.at(RATIO, "month", month, *segment)
                found.append((month, *segment, *_advice(months, whole[: place + 1], target)))
    return pl.DataFrame(found, schema=BALANCE, orient="row")


def _advice(rows: dict[dt.date, dict], months: list[dt.date], target: Target | None) -> tuple:
    """buyer_seller_ratio, band_low, band_high, level, trend, advice of the last of these final months."""
    least = LEAST_SELLERS if target is None or target.min_volume is None else target.min_volume

    def ratio(month: dt.date) -> float | None:
        row = rows.get(month)
        return row["value"] if row and (row["denominator"] or 0) >= least else None

    value, low, high, level = ratio(months[-1]), None, None, None
    if target is not None:
        low, high = target.target_low, target.target_high
    else:
        past = [known for month in months[-BAND_MONTHS - 1 : -1] if (known := ratio(month)) is not None]
        if len(past) >= LEAST_OF_BAND:
            low, high = (float(np.quantile(past, share)) for share in (0.1, 0.9))
    if value is not None and low is not None:
        level = "low" if value < low else "high" if value > high else "in_band"
    series = [ratio(month) for month in months[-TREND_MONTHS:]]
    trend = "unknown"
    if len(series) == TREND_MONTHS and None not in series:
        p_value, statistic = mann_kendall(series)
        trend = "flat" if p_value >= SURE or not statistic else "rising" if statistic > 0 else "falling"
    if level is None:
        advice = "insufficient_data"
    elif (level, trend) in (("low", "rising"), ("high", "falling")):
        advice = "watch"
    elif level == "low" or (level, trend) == ("in_band", "falling"):
        advice = "attract_buyers"
    elif level == "high" or (level, trend) == ("in_band", "rising"):
        advice = "recruit_sellers"
    else:
        advice = "hold"
    return rows[months[-1]]["value"], low, high, level, trend, advice


# -- decisions --------------------------------------------------------------------------------------------------------


def decision_log(actions: pl.DataFrame, values: Values, kpis: dict[str, Definition]) -> pl.DataFrame:
    """Each action with its KPI before, during and after, and a note on what cannot be said."""
    found = []
    for row in actions.sort("action_id").iter_rows(named=True):
        found.append((row["action_id"], row["kpi_id"], *_outcome(row, values, kpis.get(row["kpi_id"]))))
    return pl.DataFrame(found, schema=LOG, orient="row")


def _outcome(row: dict, values: Values, kpi: Definition | None) -> tuple:
    dimension, value = row["dimension"] or ALL, row["dimension_value"] or ALL
    start, end = row["starts_on"], row["ends_on"] or row["starts_on"] + DAY * (USUAL_DAYS - 1)
    reason = (
        "unknown_kpi" if kpi is None
        else "not_additive" if not kpi.is_additive
        else "no_days_by_segment" if dimension in COARSE
        else "unknown_dimension" if dimension not in (*kpi.dimensions, ALL)
        else "ends_before_start" if end < start
        else None)
    if reason:
        return None, None, None, None, None, reason
    days = (end - start).days + 1
    shift = DAY * 7 * -(-days // 7)
    outcomes, notes = [], set()
    for first in (start - shift, start, start + shift):
        found = None
        if first + DAY * (days - 1 + kpi.maturity) > values.calendar.as_of:
            notes.add("too_early")
        elif first < values.calendar.first_day:
            notes.add("outside_span")
        else:
            found = _of_days(values, kpi, dimension, value, first, days)
            if found is None:
                notes.add("not_covered")
        outcomes.append(found[0] if found else None)
    past, now, then = outcomes
    change = now - past if now is not None and past is not None else None
    is_better = None if change is None else better(now, past, kpi)
    note = next((note for note in ("too_early", "outside_span", "not_covered") if note in notes), None)
    return past, now, then, change, is_better, note


def _of_days(
    values: Values, kpi: Definition, dimension: str, value: str, first: dt.date, days: int
) -> tuple[float | None] | None:
    """The value of so many days, from the sums of its terms; None where they are not all known."""
    if kpi.kpi_id not in covered_days(values, first, days)["kpi_id"]:
        return None
    sums = day_sums(values, first, days).filter(
        (pl.col("kpi_id") == kpi.kpi_id) & (pl.col("dimension") == dimension) & (pl.col("dimension_value") == value))
    top, bottom = (sums[name][0] if len(sums) else 0.0 for name in ("numerator", "denominator"))
    return (top if kpi.shape == "amount" else top / bottom if bottom else None,)
