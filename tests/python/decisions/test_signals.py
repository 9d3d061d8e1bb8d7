"""Trends and correlations of the sample, held against scipy, statsmodels and pymannkendall."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pymannkendall
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.stattools import acf

from ops.project import Settings

CLOSE = 1e-6


@pytest.fixture(scope="module")
def build(sample_release: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(sample_release.warehouse), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def changes(build: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The changes of every KPI, a column each, by day; missing where it has none."""
    rows = build.execute("select day_number, kpi_id, change from intermediate.int_kpi_changes").df()
    wide = rows.pivot(index="day_number", columns="kpi_id", values="change")
    return wide.reindex(range(wide.index.min(), wide.index.max() + 1))


def at_lag(changes: pd.DataFrame, first: str, second: str, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """The changes of two KPIs on the days both have, those of the second so many days later."""
    x, y = changes[first].to_numpy(), changes[second].to_numpy()
    x, y = (x[: len(x) - lag], y[lag:]) if lag >= 0 else (x[-lag:], y[:lag])
    known = ~(np.isnan(x) | np.isnan(y))
    return x[known], y[known]


def test_trends(build: duckdb.DuckDBPyConnection) -> None:
    points = build.execute("from intermediate.int_trend_points order by kpi_id, period_grain, period_number").df()
    trends = build.execute("from marts.kpi_trends").df().set_index(["kpi_id", "period_grain"])
    told = 0
    for key, series in points.groupby(["kpi_id", "period_grain"]):
        trend = trends.loc[key]
        assert trend.n == len(series)
        if len(series) < 8:
            assert trend.trend == "unknown"
            continue
        told += 1
        values = series.value.to_numpy()
        told_apart = values.round(9)
        slope = stats.theilslopes(values, series.period_number.to_numpy()).slope
        assert trend.slope == pytest.approx(slope, rel=CLOSE, abs=1e-12)
        with np.errstate(invalid="ignore", divide="ignore"):
            p_value = pymannkendall.original_test(told_apart).p
        assert trend.p_value == pytest.approx(1.0 if len(set(told_apart)) == 1 else p_value, rel=CLOSE)
    assert told == trends.p_value.notna().sum() > 100
    assert set(trends.trend) == {"rising", "falling", "flat", "unknown"}  # else too little was seen


def test_rank_correlations(build: duckdb.DuckDBPyConnection, changes: pd.DataFrame) -> None:
    found = build.execute("from intermediate.int_rank_correlations").df()
    some = found.sample(2_000, random_state=1)
    for row in some.itertuples():
        first, second = at_lag(changes, row.first_kpi_id, row.second_kpi_id, row.lag_days)
        assert row.n == len(first) >= 28
        assert row.spearman == pytest.approx(stats.spearmanr(first, second).statistic, abs=CLOSE)


def test_correlations(build: duckdb.DuckDBPyConnection, changes: pd.DataFrame) -> None:
    published = build.execute("from marts.kpi_correlations").df().set_index(["first_kpi_id", "second_kpi_id"])
    pairs = build.execute("from intermediate.int_kpi_pairs").df().set_index(["first_kpi_id", "second_kpi_id"])
    memory = {
        kpi: acf(changes[kpi].loc[changes[kpi].first_valid_index() : changes[kpi].last_valid_index()],
                 nlags=14, fft=False, missing="conservative")
        for kpi in changes
    }
    tested: dict[tuple[str, str], float] = {}
    for first, second in pairs.index:
        best: tuple[float, int, int] = (-1.0, 0, 0)
        for lag in sorted(range(-7, 8), key=lambda lag: (abs(lag), lag)):
            x, y = at_lag(changes, first, second, lag)
            if len(x) >= 28 and np.ptp(x) > 0 and np.ptp(y) > 0:
                ranks = np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1]
                best = max(best, (abs(ranks), lag, len(x)), key=lambda seen: round(seen[0], 12))
        strength, lag, n = best
        if strength < 0:
            assert (first, second) not in published.index
            continue
        shared = sum(a * b for a, b in zip(memory[first][1:], memory[second][1:], strict=False))
        n_eff = n / max(1, 1 + 2 * shared)
        with np.errstate(divide="ignore"):
            z = np.arctanh(min(strength, 1)) * np.sqrt(max(n_eff - 3, 0) / 1.06)
        p_value = 1.0 if n_eff <= 3 else min(1, 30 * stats.norm.sf(z))
        tested[first, second] = p_value
        if (first, second) in published.index:
            row = published.loc[(first, second)]
            x, y = at_lag(changes, first, second, lag)
            assert (row.lag_days, row.n) == (lag, n)
            assert row.spearman == pytest.approx(stats.spearmanr(x, y).statistic, abs=CLOSE)
            assert row.pearson == pytest.approx(stats.pearsonr(x, y).statistic, abs=CLOSE)
            assert row.n_eff == pytest.approx(n_eff, rel=CLOSE)
            assert row.p_value == pytest.approx(p_value, rel=CLOSE, abs=1e-100)
    unlinked = [pair for pair in tested if not pairs.loc[pair].is_linked]
    rejected = multipletests([tested[pair] for pair in unlinked], alpha=0.05, method="fdr_bh")[0]
    significant = {pair for pair, reject in zip(unlinked, rejected, strict=True) if reject}
    assert significant == set(published.index[published.is_significant])
    read_together = set(pairs.index[pairs.is_read_together]) & set(tested)
    assert set(published.index) == significant | read_together
    assert len(significant) > 10
