"""Trends, anomalies, correlations and forecasts, worked out by hand."""

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest
from decisions_market import calendar, collected, day, days, known, months
from test_decisions_targets import delivered

from python_checks.decisions.correlations import at_lags, best_lags, kpi_correlations, memory, p_value
from python_checks.decisions.forecasts import kpi_forecasts
from python_checks.decisions.inputs import Targets, targets
from python_checks.decisions.signals import kpi_anomalies, kpi_trends, mann_kendall, run_length

KPIS = known(
    orders={"pairs_with": "csat"}, gmv={"unit": "money"}, csat={"unit": "ratio", "family": "satisfaction"},
    ad_spend={"direction": "neutral"}, active_buyers={}, active_sellers={}, order_defect_rate={"direction": "down"},
    sessions={"family": "traffic", "source_tables": "fct_sessions"})


def phi(x):
    """Upper tail of the normal distribution."""
    return math.erfc(x / math.sqrt(2)) / 2


# -- trends -----------------------------------------------------------------------------------------------------------


def trend(kpi_id, values, first="2025-01-01", goals=None, grain="month", **flags):
    frame = months(kpi_id, first, values, **flags)
    span = calendar(first, "2027-12-31")
    found = kpi_trends(collected(span, frame), KPIS, goals or Targets()).filter(pl.col("period_grain") == grain)
    return found.to_dicts()[0]


def test_a_rise():
    row = trend("orders", [float(n) for n in range(1, 9)])
    # S = 28, variance 8 x 7 x 21 / 18
    assert row["p_value"] == pytest.approx(2 * phi(27 / math.sqrt(8 * 7 * 21 / 18)))
    assert (row["slope"], row["slope_rate"], row["trend"], row["verdict"], row["run_length"]) == (
        1.0, 1 / 4.5, "rising", "improving", 7)


def test_ties_count_in_the_variance():
    # 1 1 2 3 4 5 6 7: one pair of equals
    assert mann_kendall([1, 1, 2, 3, 4, 5, 6, 7]) == (
        pytest.approx(2 * phi(26 / math.sqrt((8 * 7 * 21 - 2 * 1 * 9) / 18))), 27.0)
    assert mann_kendall([3, 3, 3]) == (1.0, 0.0)


def test_directions():
    falling = [float(n) for n in range(9, 1, -1)]
    assert trend("orders", falling)["verdict"] == "worsening"
    assert trend("order_defect_rate", [(n, 100) for n in falling])["verdict"] == "improving"
    assert (trend("ad_spend", falling)["verdict"], trend("ad_spend", falling)["trend"]) == (None, "falling")


def test_a_season_is_no_trend():
    year_before = [50.0] * 12
    rise = [float(n) for n in range(1, 13)]
    assert trend("orders", year_before + rise)["verdict"] is None
    assert trend("orders", [5.0] * 12 + rise)["verdict"] == "improving"


def test_too_few_values():
    unknown = {"slope": None, "slope_rate": None, "p_value": None, "trend": "unknown", "verdict": None}
    assert trend("orders", [1.0] * 7).items() >= {**unknown, "run_length": None}.items()
    assert trend("csat", [(1.0, 19)] + [(n, 20) for n in range(1, 8)])["trend"] == "unknown"
    assert trend("csat", [(1.0, 20)] + [(n, 20) for n in range(2, 9)])["trend"] == "rising"


def test_the_minimum_of_a_target():
    goal = targets(delivered("csat 2025-01-01 - 1 - - - -").with_columns(min_volume=pl.lit(5)), KPIS)
    assert trend("csat", [(n, 10) for n in range(1, 9)], goals=goal)["trend"] == "rising"


def test_gaps_keep_their_place():
    gap = months("orders", "2025-03-01", [None], is_covered=False)
    values = collected(
        calendar("2025-01-01", "2027-12-31"), months("orders", "2025-01-01", [1.0, 2.0]), gap,
        months("orders", "2025-04-01", [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]))
    row = kpi_trends(values, KPIS, Targets()).filter(pl.col("period_grain") == "month").to_dicts()[0]
    assert (row["slope"], row["run_length"]) == (1.0, 7)


def test_only_the_last_twelve():
    assert trend("orders", [100.0] * 3 + [float(n) for n in range(12)])["run_length"] == 11


def test_rolling():
    rise = [float(n) for n in range(1, 11)]
    assert trend("active_buyers", rise)["trend"] == "unknown"
    assert trend("active_sellers", rise)["trend"] == "rising"
    assert trend("active_sellers", rise, grain="week")["trend"] == "unknown"


def test_run_length():
    assert [run_length(series) for series in ([1, 2, 3, 2, 3, 4], [3, 2, 1], [1, 2, 2], [2, 2, 3], [1])] == [
        2, 2, 0, 1, 0]
    assert run_length([1.0, 2.0, 2.0 + 1e-13]) == 0


# -- anomalies --------------------------------------------------------------------------------------------------------


def odd_days(kpi_id, series, special=None):
    first = day("2025-01-06")
    last = first + dt.timedelta(days=len(series) - 1)
    values = collected(calendar(str(first), str(last)), days(kpi_id, str(first), series))
    return kpi_anomalies(values, KPIS, special or {}).sort("period_start").to_dicts()


def test_expected_of_the_weekday_and_scale_of_a_count():
    weekly = [100.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0]
    series = weekly * 17
    series[-7] = 150.0  # a Monday: the square root of 100 is 10
    found = odd_days("orders", series)
    assert len(found) == 7 * 17
    row = found[-7]
    assert (row["expected"], row["z"], row["low"], row["high"]) == (100.0, 5.0, 65.0, 135.0)
    assert (row["is_anomaly"], row["is_bad"]) == (True, False)
    assert found[7 * 8 - 1]["expected"] is None  # seven Sundays before
    assert found[7 * 8]["expected"] == 100.0
    # 56 misses: from the first expected day, 7 x 8, on
    assert [found[n]["z"] is None for n in (56 + 55, 56 + 56)] == [True, False]
    assert found[56 + 55]["is_anomaly"] is False


def test_no_spread():
    found = odd_days("gmv", [7.0] * 119 + [9.0])
    assert (found[-1]["z"], found[-1]["low"], found[-1]["high"], found[-1]["is_anomaly"]) == (None, 7.0, 7.0, False)


def test_scale_is_the_median_miss():
    series = [10.0 + (n // 7) % 2 for n in range(7 * 40)]  # 10, 11, 10, ... week by week
    found = odd_days("gmv", series)
    row = found[-1]  # the weeks before: 7 of one, 6 of the other
    misses = [abs(found[n]["value"] - found[n]["expected"]) for n in range(len(found) - 92, len(found) - 1)]
    scale = float(np.median(misses)) / 0.6745
    assert scale > 0
    assert row["z"] == pytest.approx((row["value"] - row["expected"]) / scale)
    assert row["high"] - row["expected"] == pytest.approx(3.5 * scale)


def test_special_days_are_left_out_and_never_odd():
    series = [10.0] * 127
    series[-1] = 100.0
    for n in range(119, 126):
        series[n] = 5.0
    first = day("2025-01-06")
    special = {first + dt.timedelta(days=n): "Feast" for n in (*range(119, 126), 126)}
    row = odd_days("orders", series, special)[-1]
    assert (row["expected"], row["is_special_day"], row["special_day_name"], row["is_anomaly"]) == (
        10.0, True, "Feast", False)
    assert row["z"] == pytest.approx(90 / math.sqrt(10))


def test_small_days_are_shown_only():
    series = [(10.0 + n % 5, 30) for n in range(130)]
    series[-1] = (15.0, 19)
    found = odd_days("csat", series)
    assert (found[-1]["z"], found[-1]["is_anomaly"]) == (None, False)
    assert found[-1]["expected"] is not None and found[-2]["z"] is not None


def test_badness_by_direction():
    fall = [100.0] * 119 + [10.0]
    assert odd_days("orders", fall)[-1]["is_bad"] is True
    assert odd_days("orders", [100.0] * 119 + [200.0])[-1]["is_bad"] is False
    spread = [100.0 + n % 3 for n in range(119)]
    row = odd_days("ad_spend", [*spread, 900.0])[-1]
    assert (row["is_anomaly"], row["is_bad"]) == (True, None)


# -- correlations -----------------------------------------------------------------------------------------------------


def best_lag(first: np.ndarray, second: np.ndarray) -> tuple | None:
    (best,) = best_lags(first, [at_lags(second)])
    return best


def test_the_second_follows_the_first():
    rng = np.random.default_rng(1)
    x = rng.normal(size=100)
    y = np.concatenate([[np.nan, np.nan], x[:-2]])  # two days later
    spearman, pearson, lag, n = best_lag(x, y)
    assert (spearman, pearson, lag, n) == (pytest.approx(1), pytest.approx(1), 2, 98)
    assert best_lag(y, x)[2] == -2


def test_ties_of_lags():
    x = np.array([1.0, -1.0] * 30)
    assert best_lag(x, x)[2] == 0
    assert best_lag(x, -x)[2] == 0


def test_no_constants_and_enough_days():
    assert best_lag(np.ones(60), np.arange(60.0)) is None
    assert best_lag(np.arange(27.0), np.arange(27.0)) is None
    assert best_lag(np.arange(28.0), np.arange(28.0) ** 2)[2:] == (0, 28)
    assert best_lags(np.arange(28.0), [at_lags(np.ones(28)), at_lags(np.arange(28.0))]) == [None, (1.0, 1.0, 0, 28)]


def test_chance():
    assert p_value(0.5, 3.0) == 1.0
    assert p_value(-1.0, 2.0) == 1.0
    assert p_value(-1.0, 50.0) == 0.0
    assert p_value(0.1, 50.0) == 1.0
    assert p_value(-0.6, 53.0) == pytest.approx(30 * phi(math.atanh(0.6) * math.sqrt(50 / 1.06)))


def test_memory():
    series = np.array([1.0, -1.0, np.nan, -1.0, 1.0])
    # products of 1, 2, 3 and 4 days apart, over the four squares
    assert list(memory(series)) == [-2 / 4, 1 / 4, -2 / 4, 1 / 4] + [0.0] * 10


def test_pairs():
    rng = np.random.default_rng(3)
    base = rng.integers(0, 1000, 210).astype(float)
    noise = rng.integers(0, 1000, 210).astype(float)
    first = "2025-01-01"
    frames = [
        days("orders", first, list(base)), days("sessions", first, list(base * 3)), days("gmv", first, list(base * 7)),
        days("csat", first, [(n, 1000) for n in noise])]
    found = kpi_correlations(collected(calendar(first, "2025-07-29"), *frames), KPIS)
    pairs = {(row["first_kpi_id"], row["second_kpi_id"]): row for row in found.iter_rows(named=True)}
    # gmv and orders are of one family; csat and orders share a table, and a definition names them
    assert set(pairs) == {("orders", "sessions"), ("gmv", "sessions"), ("csat", "orders")}
    row = pairs["orders", "sessions"]
    assert (row["spearman"], row["lag_days"], row["n"], row["p_value"]) == (pytest.approx(1), 0, 182, 0.0)
    assert (row["is_linked"], row["is_significant"]) == (False, True)
    assert (pairs["csat", "orders"]["is_linked"], pairs["csat", "orders"]["is_significant"]) == (True, False)


def test_an_equal_term_links():
    rng = np.random.default_rng(3)
    base = rng.integers(1, 1000, 100).astype(float)
    first = "2025-01-01"
    kpis = known(
        orders={"pairs_with": "csat"}, csat={"family": "satisfaction", "source_tables": "fct_surveys"},
        nps={"family": "satisfaction", "source_tables": "fct_surveys"})
    frames = [days("orders", first, list(base)), days("csat", first, [(5.0 + n % 7, b) for n, b in enumerate(base)]),
              days("nps", first, [(5.0 + n % 7, b + 1) for n, b in enumerate(base)])]
    found = kpi_correlations(collected(calendar(first, "2025-04-10"), *frames), kpis)
    linked = {(row["first_kpi_id"], row["second_kpi_id"]): row["is_linked"] for row in found.iter_rows(named=True)}
    assert linked["csat", "orders"] is True
    assert linked.get(("nps", "orders"), False) is False


# -- forecasts --------------------------------------------------------------------------------------------------------


def forecasts(series, goals=None, kpi_id="gmv"):
    values = collected(calendar("2024-01-01", "2027-12-31"), months(kpi_id, "2024-01-01", series))
    found = kpi_forecasts(values, KPIS, goals or Targets())
    return {str(row["period_start"]): row for row in found.iter_rows(named=True)}


def test_last_years_season_at_this_years_pace():
    season = [100.0, 110.0, 120.0, 90.0, 80.0, 70.0, 60.0, 50.0, 130.0, 140.0, 150.0, 200.0]
    grown = [value * 1.5 for value in season]
    found = forecasts(season + grown, targets(delivered("gmv 2026-01-01 - 225 - - - -"), KPIS))
    # fifteen months are needed before one can test: origins of March 2025 on
    assert {start: row["forecast"] for start, row in found.items()} == {
        "2026-01-01": pytest.approx(225), "2026-02-01": pytest.approx(247.5), "2026-03-01": pytest.approx(270)}
    row = found["2026-01-01"]
    assert (row["low"], row["high"], row["mape"]) == (pytest.approx(225), pytest.approx(225), pytest.approx(0))
    assert (row["target"], found["2026-02-01"]["target_probability"]) == (225.0, 1.0)


def test_back_tests():
    season = [100.0] * 12
    series = season + [100.0] * 3 + [100.0, 100.0, 100.0, 100.0, 100.0, 130.0]
    found = forecasts(series)
    # one month ahead, from March to August 2025: 1, 1, 1, 1, 1, 1.3
    ratios = [1.0] * 5 + [1.3]
    row = found["2025-10-01"]
    assert row["forecast"] == pytest.approx(110)
    assert row["low"] == pytest.approx(110 * np.quantile(ratios, 0.1))
    assert row["high"] == pytest.approx(110 * 1.15)
    assert row["mape"] == pytest.approx(0.3 / 1.3 / 6)
    assert found["2025-11-01"]["low"] is None  # five only


def test_too_little_to_go_by():
    assert not forecasts([100.0] * 14)
    assert len(forecasts([100.0] * 15)) == 3
    assert not forecasts([0.0] * 15)
    assert not forecasts([10.0] * 15, kpi_id="orders")  # sums of 30 are not above 30
    assert len(forecasts([11.0] * 15, kpi_id="orders")) == 3
    assert not forecasts([(100.0, 10)] * 15, kpi_id="csat")
