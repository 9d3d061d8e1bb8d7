"""kpi_forecasts: last year's season at this year's pace."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from python_checks.decisions.calendar import moved
from python_checks.decisions.definitions import Definition
from python_checks.decisions.inputs import Targets
from python_checks.decisions.values import Values, used_kpis

LEAST_MONTHS, RECENT, AHEAD = 15, 3, 3
LEAST_OF_A_COUNT = 30
LEAST_TESTS = 6
FORECASTS = {
    "kpi_id": pl.String, "period_start": pl.Date, "forecast": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "mape": pl.Float64, "target": pl.Float64, "target_probability": pl.Float64,
}


def kpi_forecasts(values: Values, kpis: dict[str, Definition], targets: Targets) -> pl.DataFrame:
    """The three months after the latest final one of the counts and sums that add up."""
    found = []
    for kpi in used_kpis(kpis, values):
        latest = values.latest(kpi.kpi_id, "month")
        if kpi.shape != "amount" or not kpi.is_additive or latest is None:
            continue
        months = {row.start: row.value for row in values.all(kpi.kpi_id, "month")
                  if row.is_final and row.value is not None}
        for ahead in range(1, AHEAD + 1):
            month = moved(latest, ahead)
            expected = forecast(months, latest, ahead, kpi.is_count)
            if expected is None:
                continue
            tests = [
                (months[moved(origin, ahead)], guess) for origin in sorted(months)
                if moved(origin, ahead) in months and (guess := forecast(months, origin, ahead, kpi.is_count))]
            target = targets.at(kpi.kpi_id, "month", month)
            aim = target.target if target else None
            low = high = mape = chance = None
            if len(tests) >= LEAST_TESTS:
                ratios = np.array([value / guess for value, guess in tests])
                ends = [expected * float(np.quantile(ratios, share)) for share in (0.1, 0.9)]
                low, high = min(ends), max(ends)
                errors = [abs(value - guess) / abs(value) for value, guess in tests if value]
                mape = float(np.mean(errors)) if errors else None
                if aim is not None and kpi.sense:
                    chance = float(np.mean(kpi.sense * (expected * ratios - aim) >= 0))
            found.append((kpi.kpi_id, month, expected, low, high, mape, aim, chance))
    return pl.DataFrame(found, schema=FORECASTS, orient="row")


def forecast(months: dict[dt.date, float], origin: dt.date, ahead: int, is_count: bool) -> float | None:
    """What was to be expected so many months after a month, from what was known at its end."""
    if sum(month <= origin for month in months) < LEAST_MONTHS:
        return None
    recent = [months.get(moved(origin, -back)) for back in range(RECENT)]
    then = [months.get(moved(origin, -back - 12)) for back in range(RECENT)]
    last_year = months.get(moved(origin, ahead - 12))
    if None in recent or None in then or last_year is None:
        return None
    least = LEAST_OF_A_COUNT if is_count else 0
    if sum(recent) <= least or sum(then) <= least:
        return None
    return last_year * sum(recent) / sum(then)
