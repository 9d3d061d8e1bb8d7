"""Swot, the balance of buyers and sellers, and what became of actions, worked out by hand."""

import polars as pl
import pytest
from decisions_market import calendar, collected, day, days, known, months

from python_checks.decisions.advice import balance_advice, decision_log, swot
from python_checks.decisions.inputs import Target, Targets
from python_checks.decisions.signals import TRENDS

RATIO = "buyer_seller_ratio"


def goal(low=5.0, high=8.0, min_volume=None, first="2020-01-01"):
    return Targets([Target(
        RATIO, "month", "all", "all", day(first), None, None, low, high, None, None, min_volume, None, None)])


@pytest.mark.parametrize(("status", "verdict", "position", "scope", "quadrant"), [
    ("good", None, None, "internal", "strength"),
    ("good", "worsening", None, "internal", None),
    ("warn", "improving", "worse", "internal", "weakness"),
    ("alert", "improving", "better", "internal", None),
    ("no_target", None, "better", "external", "opportunity"),
    ("alert", "improving", None, "external", "threat"),
    ("no_target", None, "equal", "internal", None),
])
def test_swot(status, verdict, position, scope, quadrant):
    kpis = known(gmv={"scope": scope})
    scorecard = pl.DataFrame(
        [("gmv", "month", day("2026-01-01"), "all", True, status, position),
         ("gmv", "month", day("2025-12-01"), "all", False, "alert", "worse"),
         ("gmv", "week", day("2026-01-05"), "all", True, "alert", "worse")],
        schema=["kpi_id", "period_grain", "period_start", "dimension", "is_latest", "status", "benchmark_position"],
        orient="row")
    trends = pl.DataFrame(
        [("gmv", "month", 1.0, 1.0, 0.01, "flat", verdict, 1), ("gmv", "week", 1.0, 1.0, 0.01, "flat", "improving", 1)],
        schema=TRENDS, orient="row")
    expected = [("gmv", day("2026-01-01"), quadrant)] if quadrant else []
    assert swot(scorecard, trends, kpis).rows() == expected


def advice(series, goals=None, sellers=10):
    values = collected(
        calendar("2024-01-01", "2026-12-31"), months(RATIO, "2024-01-01", [(v * sellers, sellers) for v in series]))
    return balance_advice(values, goals or Targets()).to_dicts()[-1]


@pytest.mark.parametrize(("series", "level", "trend", "told"), [
    ([1, 2, 3, 3.5, 4, 4.5], "low", "rising", "watch"),
    ([4, 4, 4, 4, 4, 4], "low", "flat", "attract_buyers"),
    ([20, 18, 16, 14, 12, 10], "high", "falling", "watch"),
    ([9, 9, 9, 9, 9, 9], "high", "flat", "recruit_sellers"),
    ([8, 7.5, 7, 6.5, 6, 5.5], "in_band", "falling", "attract_buyers"),
    ([5.5, 6, 6.5, 7, 7.5, 8], "in_band", "rising", "recruit_sellers"),
    ([6, 6, 6, 6, 6, 6], "in_band", "flat", "hold"),
    ([6, 6, 6, 6, 6], "in_band", "unknown", "hold"),
])
def test_advice(series, level, trend, told):
    row = advice(series, goal())
    assert (row["level"], row["trend"], row["advice"]) == (level, trend, told)


def test_too_few_sellers():
    assert advice([6] * 6, goal(), sellers=4)["advice"] == "insufficient_data"
    assert advice([6] * 6, goal(min_volume=4), sellers=4)["advice"] == "hold"


def test_the_band_of_the_year_before():
    row = advice([float(n) for n in range(1, 14)])
    assert (row["band_low"], row["band_high"]) == (pytest.approx(2.1), pytest.approx(10.9))  # of 1 to 12
    assert (row["level"], row["advice"]) == ("high", "recruit_sellers")
    assert advice([1.0] * 8)["advice"] == "insufficient_data"  # seven before
    assert advice([1.0] * 9)["advice"] == "hold"


def actions(*lines):
    """`id kpi dimension value from to`, a dash for nothing."""
    names = ["action_id", "kpi_id", "dimension", "dimension_value", "starts_on", "ends_on"]
    found = []
    for line in lines:
        row = {name: None if text == "-" else text for name, text in zip(names, line.split(), strict=True)}
        found.append(row | {name: row[name] and day(row[name]) for name in ("starts_on", "ends_on")})
    return pl.DataFrame(found, schema={**dict.fromkeys(names[:4], pl.String), "starts_on": pl.Date, "ends_on": pl.Date})


KPIS = known(
    gmv={}, aov={}, visitors={}, refunded_amount={"direction": "down"}, gmv_net={"maturity_days": 20})


@pytest.fixture(scope="module")
def values():
    """A hundred days: the n-th brought n; of aov n over 2; of country FR 1 on even days."""
    first = "2026-01-01"
    numbers = [float(n) for n in range(1, 101)]
    fr = pl.concat([days("gmv", f"2026-02-{n:02}", [1.0], segment="country=FR") for n in range(2, 29, 2)])
    covered = days("refunded_amount", first, numbers[:50])
    return collected(
        calendar(first, "2026-04-10"), days("gmv", first, numbers), days("gmv_net", first, numbers),
        days("aov", first, [(n, 2) for n in numbers]), days("visitors", first, numbers), fr, covered,
        days("refunded_amount", "2026-02-20", [None] * 50, is_covered=False), segments=(("gmv", "country", "FR"),))


def outcome(values, line):
    row = decision_log(actions(line), values, KPIS).to_dicts()[0]
    return tuple(row[name] for name in ("before", "during", "after", "change", "is_better", "note"))


def test_ten_days_are_moved_by_two_weeks(values):
    # days 41 to 50; before: 27 to 36; after: 55 to 64
    assert outcome(values, "a gmv - - 2026-02-10 2026-02-19") == (315.0, 455.0, 595.0, 140.0, True, None)
    assert outcome(values, "a aov - - 2026-02-10 2026-02-19")[:3] == (15.75, 22.75, 29.75)


def test_four_weeks_when_it_has_no_end(values):
    # days 32 to 59: 4 to 31 before, 60 to 87 after
    assert outcome(values, "a gmv all all 2026-02-01 -")[:3] == (490.0, 1274.0, 2058.0)


def test_a_segment(values):
    assert outcome(values, "a gmv country FR 2026-02-08 2026-02-14") == (3.0, 4.0, 3.0, 1.0, True, None)
    assert outcome(values, "a gmv country DE 2026-02-08 2026-02-14")[:3] == (0.0, 0.0, 0.0)


def test_too_early(values):
    assert outcome(values, "a gmv - - 2026-04-01 2026-04-07") == (609.0, 658.0, None, 49.0, True, "too_early")
    # twenty days more: what ended on 21 March at the latest
    assert outcome(values, "a gmv_net - - 2026-03-15 2026-03-21") == (490.0, 539.0, None, 49.0, True, "too_early")
    assert outcome(values, "a gmv_net - - 2026-03-16 2026-03-22")[1] is None


@pytest.mark.parametrize(("line", "note"), [
    ("a nothing - - 2026-02-10 2026-02-19", "unknown_kpi"),
    ("a visitors - - 2026-02-10 2026-02-19", "not_additive"),
    ("a gmv seller s1 2026-02-10 2026-02-19", "no_days_by_segment"),
    ("a gmv colour red 2026-02-10 2026-02-19", "unknown_dimension"),
    ("a gmv - - 2026-02-10 2026-02-09", "ends_before_start"),
])
def test_what_cannot_be_said(values, line, note):
    assert outcome(values, line) == (None, None, None, None, None, note)


def test_days_that_are_not_known(values):
    assert outcome(values, "a gmv - - 2026-01-05 2026-01-11") == (None, 56.0, 105.0, None, None, "outside_span")
    assert outcome(values, "a refunded_amount - - 2026-02-12 2026-02-18") == (
        273.0, 322.0, None, 49.0, False, "not_covered")
