"""kpi_correlations: which KPIs move together from day to day. Association, never cause."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from scipy import stats
from statsmodels.stats.multitest import multipletests

from python_checks.decisions.definitions import Definition
from python_checks.decisions.scorecard import SAME
from python_checks.decisions.signals import Days, lagged
from python_checks.decisions.values import Values, used_kpis
from python_checks.recompute.compare import TOLERANCE
from python_checks.recompute.measure import ALL

OWN_DAYS, STEP, MOST_LAG, LEAST = 182, 7, 7, 28
LAGS = sorted(range(-MOST_LAG, MOST_LAG + 1), key=lambda lag: (abs(lag), lag))  # of equal ones the first wins
MEMORY = 14
FALSE_SHARE = 0.05
LOOKS = 30  # lags x sides
EXACT = 1e-12
CORRELATIONS = {
    "first_kpi_id": pl.String, "second_kpi_id": pl.String, "pearson": pl.Float64, "spearman": pl.Float64,
    "lag_days": pl.Int64, "n": pl.Int64, "n_eff": pl.Float64, "p_value": pl.Float64, "is_linked": pl.Boolean,
    "is_significant": pl.Boolean,
}


def kpi_correlations(values: Values, kpis: dict[str, Definition]) -> pl.DataFrame:
    """The pairs that are no accident, and every pair a definition names."""
    steps = {kpi.kpi_id: weekly_steps(Days(kpi, values)) for kpi in used_kpis(kpis, values) if not kpi.is_rolling}
    steps = {kpi_id: series for kpi_id, series in steps.items() if np.count_nonzero(~np.isnan(series)) >= LEAST}
    memories = {kpi_id: memory(series) for kpi_id, series in steps.items()}
    moved = {kpi_id: at_lags(series) for kpi_id, series in steps.items()}
    terms = _terms(values)
    found = []
    for place, first in enumerate(ordered := sorted(steps)):
        others = ordered[place + 1 :]
        for second, best in zip(others, best_lags(steps[first], [moved[other] for other in others]), strict=True):
            if best is None:
                continue
            spearman, pearson, lag, n = best
            n_eff = n / max(1.0, 1 + 2 * float(np.sum(memories[first] * memories[second])))
            linked = _linked(kpis[first], kpis[second], terms)
            found.append([first, second, pearson, spearman, lag, n, n_eff, p_value(spearman, n_eff), linked, False])
    unlinked = [row for row in found if not row[8]]
    if unlinked:
        accepted = multipletests([row[7] for row in unlinked], alpha=FALSE_SHARE, method="fdr_bh")[0]
        for row, is_accepted in zip(unlinked, accepted, strict=True):
            row[9] = bool(is_accepted)

    def is_named(first: str, second: str) -> bool:
        return second in kpis[first].pairs_with or first in kpis[second].pairs_with

    return pl.DataFrame([row for row in found if row[9] or is_named(*row[:2])], schema=CORRELATIONS, orient="row")


def weekly_steps(days: Days) -> np.ndarray:
    """Value less the value seven days before, of the KPI's own last final days; NaN elsewhere."""
    known = days.known
    steps = np.round(known - lagged(known, STEP), SAME)
    own = np.flatnonzero(days.is_final)[-OWN_DAYS:]
    result = np.full(len(steps), np.nan)
    result[own] = steps[own]
    return result


def memory(series: np.ndarray) -> np.ndarray:
    """Autocorrelation at 1 to 14 days, about the mean of the whole series."""
    around = series - np.nanmean(series) if (~np.isnan(series)).any() else series
    squares = np.nansum(around**2)
    if not squares:
        return np.zeros(MEMORY)
    products = [np.nansum(around * lagged(around, lag)) for lag in range(1, MEMORY + 1)]
    return np.array(products) / squares


def at_lags(series: np.ndarray) -> np.ndarray:
    """One row per lag: the series as it was so many days later."""
    return np.array([lagged(series[::-1], lag)[::-1] if lag >= 0 else lagged(series, -lag) for lag in LAGS])


def best_lags(first: np.ndarray, others: list[np.ndarray]) -> list[tuple[float, float, int, int] | None]:
    """Spearman, Pearson, lag and n with each of the others (as `at_lags` gives them) at the lag of the largest
    |Spearman|; None where no lag has enough days. All are ranked at once, on the first one's days alone."""
    if not others:
        return []
    days = np.flatnonzero(~np.isnan(first))
    y = np.concatenate(others)[:, days]
    x = np.where(np.isnan(y), np.nan, first[days])
    counts = np.count_nonzero(~np.isnan(y), axis=1)
    varies = [np.fmin.reduce(side, axis=1, initial=np.nan) < np.fmax.reduce(side, axis=1, initial=np.nan)
              for side in (x, y)]
    usable = np.flatnonzero((counts >= LEAST) & varies[0] & varies[1])
    ranked = (stats.rankdata(side[usable], axis=1, nan_policy="omit") for side in (x, y))
    spearman = dict(zip(usable.tolist(), _pearson(*ranked).tolist(), strict=True))
    chosen = []
    for start in range(0, len(y), len(LAGS)):
        best = None
        for row in range(start, start + len(LAGS)):
            if row in spearman and (best is None or abs(spearman[row]) > abs(spearman[best]) + EXACT):
                best = row
        chosen.append(best)
    found = [row for row in chosen if row is not None]
    pearson = dict(zip(found, _pearson(x[found], y[found]).tolist(), strict=True))
    return [
        None if row is None else (spearman[row], pearson[row], LAGS[row % len(LAGS)], int(counts[row]))
        for row in chosen]


def _pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Row by row; NaN in both where a day is missing."""
    x, y = (np.nan_to_num(side - np.nanmean(side, axis=1, keepdims=True)) for side in (x, y))
    return np.clip((x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1)), -1.0, 1.0)


def p_value(spearman: float, n_eff: float) -> float:
    """How often accident alone would give so large a coefficient at one of the lags."""
    if n_eff <= 3:
        return 1.0
    if abs(spearman) >= 1 - EXACT:
        return 0.0
    return min(1.0, LOOKS * float(stats.norm.sf(math.atanh(abs(spearman)) * math.sqrt((n_eff - 3) / 1.06))))


def _terms(values: Values) -> dict[str, list[np.ndarray]]:
    """Per KPI its terms on every day of `all`; one that never changes says nothing."""
    days = values.frame.filter((pl.col("dimension") == ALL) & (pl.col("period_grain") == "day")).sort("period_start")
    found = {}
    for (kpi_id,), own in days.group_by("kpi_id"):
        each = [own[name].fill_null(np.nan).to_numpy() for name in ("numerator", "denominator")]
        found[kpi_id] = [term for term in each if len(np.unique(term[~np.isnan(term)])) > 1]
    return found


def _linked(first: Definition, second: Definition, terms: dict[str, list[np.ndarray]]) -> bool:
    return (
        first.family == second.family
        or bool(set(first.source_tables) & set(second.source_tables))
        or any(_is_same(one, other) for one in terms.get(first.kpi_id, ()) for other in terms.get(second.kpi_id, ()))
    )


def _is_same(one: np.ndarray, other: np.ndarray) -> bool:
    return len(one) == len(other) and np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
