"""The probabilities and intervals of macros/statistics.sql, executed in DuckDB, against scipy and statsmodels."""

from __future__ import annotations

import duckdb
import jinja2
import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ops.project import ROOT

MACROS = jinja2.Environment().from_string((ROOT / "macros" / "statistics.sql").read_text(encoding="utf-8")).module
SMALLEST = np.finfo(float).tiny


def run(expression: str, **columns: object) -> np.ndarray:
    """The expression over columns of numbers, one result each; NaN where it is missing."""
    with duckdb.connect() as connection:
        names = ", ".join(f"unnest(${name}::double[]) as {name}" for name in columns)
        lists = {
            name: [None if value is None else float(value) for value in values] for name, values in columns.items()
        }
        rows = connection.execute(f"with given as (select {names}) select {expression} from given", lists).fetchall()
    return np.array([np.nan if value is None else value for (value,) in rows])


def student_t_p(t: str, df: str) -> str:
    """The two-sided probability of Student's t, as the models have it."""
    return MACROS.normal_p(MACROS.student_t_z(t, df))


def farthest(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest relative difference, where the expected number is not too small for a full double."""
    assert not np.isnan(found).any()
    full = expected >= SMALLEST
    assert (found[~full] <= 2 * SMALLEST).all()
    return np.max(np.abs(found[full] / expected[full] - 1))


# from the middle out to where doubles end, both signs, tiny and huge arguments
WIDE = np.concatenate([np.linspace(-39.5, 39.5, 40_003), np.geomspace(1e-300, 1e300, 601), [0.0, 4.0, -4.0, 39.0]])


def test_normal_cdf() -> None:
    assert farthest(run(MACROS.normal_cdf("x"), x=WIDE), stats.norm.cdf(WIDE)) < 1e-12


def test_normal_p_keeps_its_digits_in_the_tail() -> None:
    assert farthest(run(MACROS.normal_p("x"), x=WIDE), 2 * stats.norm.sf(np.abs(WIDE))) < 1e-12


def test_an_argument_may_be_an_expression() -> None:
    x = np.linspace(-6, 6, 101)
    assert farthest(run(MACROS.normal_cdf("x - 1e0"), x=x), stats.norm.cdf(x - 1)) < 1e-12
    assert farthest(run(MACROS.normal_p("x - 1e0"), x=x), 2 * stats.norm.sf(np.abs(x - 1))) < 1e-12
    squares = run(MACROS.chi_square_p("x + 7e0", "2 + 1"), x=x)
    assert farthest(squares, stats.chi2.sf(x + 7, 3)) < 1e-12
    assert farthest(run(student_t_p("x - 1e0", "20 + 30"), x=x), 2 * stats.t.sf(np.abs(x - 1), 50)) < 1e-6


@pytest.mark.parametrize("df", range(1, 21))
def test_chi_square(df: int) -> None:
    x = np.concatenate([np.linspace(0, 100, 5_001), np.geomspace(1e-12, 3_500, 2_000)])
    found = run(MACROS.chi_square_p("x", "cast(df as integer)"), x=x, df=[df] * len(x))
    assert farthest(found, stats.chi2.sf(x, df)) < 1e-11


def test_chi_square_outside_its_degrees_is_missing() -> None:
    found = run(MACROS.chi_square_p("x", "cast(df as integer)"), x=[3.0, 3.0, None, 3.0], df=[0, 21, 2, None])
    assert np.isnan(found).all()


@pytest.mark.parametrize("df", [5, 5.5, 6, 7.25, 8, 10, 15, 20, 30.5, 60, 100, 1_000, 1e5, 1e7])
def test_student_t(df: float) -> None:
    t = np.concatenate([np.linspace(-40, 40, 4_001), np.geomspace(1e-12, 1e6, 500)])
    found = run(student_t_p("x", "df"), x=t, df=[df] * len(t))
    assert np.max(np.abs(found - 2 * stats.t.sf(np.abs(t), df))) < 1e-6


def test_student_t_of_many_degrees_keeps_its_digits() -> None:
    t = np.linspace(-8, 8, 1_601)
    for df in (200, 1_000, 1e5, 1e7):
        assert farthest(run(student_t_p("x", "df"), x=t, df=[df] * len(t)), 2 * stats.t.sf(np.abs(t), df)) < 1e-6


def test_wilson() -> None:
    totals = [1, 2, 3, 7, 20, 100, 1_234, 1e6, 1e9]
    pairs = [(k, n) for n in totals for k in sorted({np.floor(n * share) for share in np.linspace(0, 1, 60)})]
    k, n = np.array(pairs).T
    low, high = proportion_confint(k, n, alpha=0.05, method="wilson")
    assert np.max(np.abs(run(MACROS.wilson_low("k", "n"), k=k, n=n) - low)) < 1e-12
    assert np.max(np.abs(run(MACROS.wilson_high("k", "n"), k=k, n=n) - high)) < 1e-12
    assert run(MACROS.wilson_low("k", "n"), k=[0], n=[50]).tolist() == [0.0]
    assert run(MACROS.wilson_high("k", "n"), k=[50], n=[50]).tolist() == [1.0]


def test_missing_in_missing_out() -> None:
    for macro in ("normal_cdf", "normal_p"):
        assert np.isnan(run(getattr(MACROS, macro)("x"), x=[None])).all()
    for macro in (student_t_p, MACROS.wilson_low, MACROS.wilson_high):
        found = run(macro("x", "y"), x=[None, 1.0, None], y=[8.0, None, None])
        assert np.isnan(found).all()
    assert np.isnan(run(MACROS.wilson_low("x", "y"), x=[0.0], y=[0.0])).all()
    assert np.isnan(run(MACROS.wilson_high("x", "y"), x=[0.0], y=[0.0])).all()
