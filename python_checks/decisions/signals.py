"""kpi_trends and kpi_anomalies."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import polars as pl
import pymannkendall
from scipy import stats

from python_checks.decisions.calendar import DAY, number, year_before
from python_checks.decisions.definitions import Definition
from python_checks.decisions.inputs import Targets
from python_checks.decisions.scorecard import SAME, minimum_of
from python_checks.decisions.values import Row, Values, small, used_kpis

LAST = {"week": 13, "month": 12}
LEAST = 8
SURE = 0.05
MOST_WINDOW = 31  # days of a rolling KPI that still has a trend of months
TRENDS = {
    "kpi_id": pl.String, "period_grain": pl.String, "slope": pl.Float64, "slope_rate": pl.Float64,
    "p_value": pl.Float64, "trend": pl.String, "verdict": pl.String, "run_length": pl.Int64,
}

WEEKS, MOST_MISSES, LEAST_MISSES = 13, 91, 56
NORMAL = 0.6745
LIMIT = 3.5
ANOMALIES = {
    "kpi_id": pl.String, "period_start": pl.Date, "value": pl.Float64, "expected": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "z": pl.Float64, "is_special_day": pl.Boolean, "special_day_name": pl.String,
    "is_anomaly": pl.Boolean, "is_bad": pl.Boolean,
}


# -- trends -----------------------------------------------------------------------------------------------------------


def kpi_trends(values: Values, kpis: dict[str, Definition], targets: Targets) -> pl.DataFrame:
    """Of every KPI, at week and month, where its last values go."""
    found = []
    for kpi in used_kpis(kpis, values):
        for grain, last in LAST.items():
            used = []
            if not kpi.is_rolling or (grain == "month" and kpi.window is not None and kpi.window <= MOST_WINDOW):
                final = [row for row in values.all(kpi.kpi_id, grain) if row.is_final][-last:]
                used = [row for row in final if row.value is not None and not small(
                    row, minimum_of(kpi, targets.at(kpi.kpi_id, grain, row.start)))]
            found.append((kpi.kpi_id, grain, *_trend(used, grain, kpi, values)))
    return pl.DataFrame(found, schema=TRENDS, orient="row")


def _trend(used: list[Row], grain: str, kpi: Definition, values: Values) -> tuple:
    if len(used) < LEAST:
        return None, None, None, "unknown", None, None
    series = [row.value for row in used]
    slope = float(stats.theilslopes(series, [number(grain, row.start) for row in used])[0])
    middle = float(np.median(series))
    p_value = mann_kendall(series)[0]
    sign = int(np.sign(slope)) if p_value < SURE else 0
    trend = {1: "rising", -1: "falling", 0: "flat"}[sign]
    verdict = None
    if sign and kpi.sense:
        verdict = "improving" if sign == kpi.sense else "worsening"
        start = year_before(grain, used[-1].start)
        then = values.row(kpi.kpi_id, grain, start)
        if (then and then.value is not None and start >= values.calendar.first_day
                and round(series[-1] - then.value, SAME) * sign < 0):
            verdict = None
    return slope, slope / abs(middle) if middle else None, p_value, trend, verdict, run_length(series)


def mann_kendall(series: list[float]) -> tuple[float, float]:
    """Two-sided p (with ties and continuity correction; 1 where all are equal) and the statistic S."""
    series = np.round(series, SAME)
    if min(series) == max(series):
        return 1.0, 0.0
    result = pymannkendall.original_test(series)
    return 2 * float(stats.norm.sf(abs(result.z))), float(result.s)


def run_length(series: list[float]) -> int:
    """Steps of one sign that end at the last value; 0 after an equal step."""
    signs = np.sign(np.round(np.diff(series), SAME))[::-1]
    if not len(signs) or signs[0] == 0:
        return 0
    other = np.flatnonzero(signs != signs[0])
    return int(other[0]) if len(other) else len(signs)


# -- days -------------------------------------------------------------------------------------------------------------


class Days:
    """The final days of a KPI that is not dated rolling, as arrays over the days of the span: value (NaN where there is
    none) and is_small."""

    def __init__(self, kpi: Definition, values: Values) -> None:
        first = values.calendar.first_day
        count = (values.calendar.as_of - first).days + 1
        self.value = np.full(count, np.nan)
        self.is_small = np.zeros(count, dtype=bool)
        self.is_final = np.zeros(count, dtype=bool)
        for row in values.all(kpi.kpi_id, "day"):
            if row.is_final:
                place = (row.start - first).days
                self.is_final[place] = True
                self.is_small[place] = small(row, kpi.min_volume)
                if row.value is not None:
                    self.value[place] = row.value

    @property
    def known(self) -> np.ndarray:
        """Values of the days that are large enough, else NaN."""
        return np.where(self.is_small, np.nan, self.value)


def lagged(series: np.ndarray, lag: int) -> np.ndarray:
    """What the series was `lag` places before, NaN where it had not begun."""
    result = np.full(len(series), np.nan)
    if lag < len(series):
        result[lag:] = series[: len(series) - lag]
    return result


def _median_of_known(rows: np.ndarray, least: int) -> np.ndarray:
    """Medians down the first axis of what is no NaN, NaN where fewer than `least` are."""
    result = np.full(rows.shape[1], np.nan)
    enough = np.count_nonzero(~np.isnan(rows), axis=0) >= least
    if enough.any():
        result[enough] = np.nanmedian(rows[:, enough], axis=0)
    return result


def kpi_anomalies(values: Values, kpis: dict[str, Definition], special: dict[dt.date, str]) -> pl.DataFrame:
    """Every final day with a value, and what it was expected to be."""
    first = values.calendar.first_day
    count = (values.calendar.as_of - first).days + 1
    days = [first + DAY * n for n in range(count)]
    is_special = np.array([day in special for day in days], dtype=bool)
    parts = [pl.DataFrame(schema=ANOMALIES)]
    for kpi in used_kpis(kpis, values):
        if kpi.is_rolling:
            continue
        its = Days(kpi, values)
        plain = np.where(is_special, np.nan, its.known)
        expected = _median_of_known(np.array([lagged(plain, 7 * week) for week in range(1, WEEKS + 1)]), LEAST)
        with np.errstate(invalid="ignore"):  # what differs in the last digits of doubles only is no miss
            is_same = np.abs(its.value - expected) <= 1e-9 * np.maximum(1.0, np.abs(expected))
        miss = np.where(is_same, 0.0, its.value - expected)
        misses = np.where(np.isnan(plain), np.nan, np.abs(miss))
        scale = _median_of_known(
            np.array([lagged(misses, back) for back in range(1, MOST_MISSES + 1)]), LEAST_MISSES) / NORMAL
        if kpi.is_count:
            scale = np.maximum(scale, np.sqrt(np.maximum(1.0, expected)))
        scale[np.isnan(expected)] = np.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            z = miss / scale
        z[its.is_small | ~(scale > 0)] = np.nan
        with np.errstate(invalid="ignore"):
            is_anomaly = (np.abs(z) > LIMIT) & ~is_special
        shown = np.flatnonzero(~np.isnan(its.value))
        parts.append(pl.DataFrame({
            "kpi_id": [kpi.kpi_id] * len(shown),
            "period_start": [days[n] for n in shown],
            **{name: _numbers(series[shown]) for name, series in {
                "value": its.value, "expected": expected, "low": expected - LIMIT * scale,
                "high": expected + LIMIT * scale, "z": z}.items()},
            "is_special_day": is_special[shown],
            "special_day_name": [special.get(days[n]) for n in shown],
            "is_anomaly": is_anomaly[shown],
            "is_bad": [bool(odd and z_ * kpi.sense < 0) if kpi.sense else None
                       for odd, z_ in zip(is_anomaly[shown], z[shown], strict=True)],
        }, schema=ANOMALIES))
    return pl.concat(parts)


def _numbers(series: np.ndarray) -> list[float | None]:
    return [None if math.isnan(number) else float(number) for number in series]
