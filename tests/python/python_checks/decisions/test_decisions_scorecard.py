"""Comparisons, targets, projections and statuses, worked out by hand."""

import polars as pl
import pytest
from decisions_market import calendar, collected, day, days, known, months, rows
from test_decisions_targets import delivered

from python_checks.decisions.inputs import Targets, targets
from python_checks.decisions.scorecard import kpi_month, kpi_scorecard
from python_checks.decisions.signals import ANOMALIES, TRENDS

KPIS = known(
    gmv={"unit": "money"},
    aov={"unit": "money"},
    visitors={},
    order_defect_rate={"direction": "down"},
    ad_spend={"direction": "neutral", "unit": "money"},
    buyer_seller_ratio={"direction": "band"},
)
NO_TRENDS = pl.DataFrame(schema=TRENDS)
NO_ANOMALIES = pl.DataFrame(schema=ANOMALIES)


def cards(values, lines=(), reference=None, trends=NO_TRENDS, anomalies=NO_ANOMALIES, goals=None):
    goals = goals or (targets(delivered(*lines), KPIS) if lines else Targets())
    found = kpi_scorecard(values, KPIS, goals, reference or {}, trends, anomalies)
    return {
        (row["kpi_id"], row["period_grain"], str(row["period_start"]), row["dimension_value"]): row
        for row in found.iter_rows(named=True)
    }


def open_month(as_of, first="2025-01-01", size=10.0):
    """A month that has not ended: gmv of `size` a day, twice as much in February of the year before."""
    return as_of, first, size


@pytest.fixture
def march():
    """To the tenth of March: every day of February brought 2, of March a year ago 3 (31 days), of this March 4."""
    span = calendar("2025-01-01", "2026-03-10")
    return collected(
        span,
        days("gmv", "2025-03-01", [3.0] * 31),
        days("gmv", "2026-02-01", [2.0] * 28),
        days("gmv", "2026-03-01", [4.0] * 10),
        rows("gmv", "month", {"2025-03-01": 93.0, "2026-02-01": 56.0}),
        rows("gmv", "month", {"2026-03-01": 40.0}, is_partial=True),
    )


def test_like_for_like(march):
    card = cards(march)["gmv", "month", "2026-03-01", "all"]
    assert (card["previous_value"], card["previous_year_value"]) == (20.0, 30.0)
    assert (card["change"], card["change_rate"], card["year_change"], card["is_better"]) == (20.0, 1.0, 10.0, True)
    assert card["status"] == "not_final"
    assert card["projected_value"] == pytest.approx(40 / (30 / 93))
    whole = cards(march)["gmv", "month", "2026-02-01", "all"]
    assert (whole["previous_value"], whole["is_latest"], whole["projected_value"]) == (None, True, 56.0)
    assert kpi_month(march, KPIS).filter(pl.col("period_start") == day("2026-03-01"))["previous_value"].item() == 20.0


def test_never_more_days_than_the_other_period_has():
    span = calendar("2026-01-01", "2026-03-30")
    values = collected(
        span,
        days("gmv", "2026-02-01", [2.0] * 28),
        rows("gmv", "month", {"2026-02-01": 56.0}),
        rows("gmv", "month", {"2026-03-01": 40.0}, is_partial=True),
    )
    assert cards(values)["gmv", "month", "2026-03-01", "all"]["previous_value"] == 56.0


def test_like_for_like_of_a_ratio_divides_sums():
    span = calendar("2026-01-01", "2026-03-02")
    values = collected(
        span,
        days("aov", "2026-02-01", [(10.0, 1), (30.0, 9)]),
        rows("aov", "month", {"2026-02-01": (90.0, 30)}),
        rows("aov", "month", {"2026-03-01": (90.0, 30)}, is_partial=True),
    )
    card = cards(values)["aov", "month", "2026-03-01", "all"]
    assert (card["previous_value"], card["projected_value"]) == (4.0, 3.0)


def test_what_does_not_add_up_or_is_not_covered_is_not_compared():
    span = calendar("2026-01-01", "2026-03-02")
    partial = {"is_partial": True}
    values = collected(
        span,
        days("visitors", "2026-02-01", [5.0, 5.0]),
        rows("visitors", "month", {"2026-03-01": 9.0}, **partial),
        days("gmv", "2026-02-01", [5.0]),
        days("gmv", "2026-02-02", [None], is_covered=False),
        rows("gmv", "month", {"2026-03-01": 9.0}, **partial),
    )
    found = cards(values)
    assert found["visitors", "month", "2026-03-01", "all"]["previous_value"] is None
    assert found["visitors", "month", "2026-03-01", "all"]["projected_value"] == 9.0
    assert found["gmv", "month", "2026-03-01", "all"]["previous_value"] is None


@pytest.mark.parametrize(
    ("as_of", "elapsed", "expected"),
    [
        ("2026-03-04", 4, None),  # 4 of 31 days are less than a seventh
        ("2026-03-05", 5, 10.0 * 31 / 5),
    ],
)
def test_projection_without_a_year_before(as_of, elapsed, expected):
    values = collected(calendar("2026-01-01", as_of), rows("gmv", "month", {"2026-03-01": 10.0}, is_partial=True))
    assert cards(values)["gmv", "month", "2026-03-01", "all"]["projected_value"] == expected


def test_a_share_beyond_the_whole_is_not_used():
    span = calendar("2025-01-01", "2026-03-10")
    values = collected(
        span,
        days("gmv", "2025-03-01", [3.0] * 10),
        rows("gmv", "month", {"2025-03-01": 29.0}),
        rows("gmv", "month", {"2026-03-01": 10.0}, is_partial=True),
    )
    assert cards(values)["gmv", "month", "2026-03-01", "all"]["projected_value"] == pytest.approx(31.0)


def test_a_period_begun_before_the_span_is_shown_and_not_compared():
    values = collected(calendar("2026-01-10", "2026-02-28"), months("gmv", "2026-01-01", [10.0, 30.0]))
    found = cards(values)
    card = found["gmv", "month", "2026-02-01", "all"]
    assert (card["previous_value"], card["change"], card["is_better"]) == (10.0, None, None)
    assert found["gmv", "month", "2026-01-01", "all"]["status"] == "not_final"


def test_nothing_changes_while_the_period_is_not_mature():
    values = collected(
        calendar("2026-01-01", "2026-02-28"),
        months("gmv", "2026-01-01", [10.0]),
        months("gmv", "2026-02-01", [30.0], is_mature=False),
    )
    card = cards(values)["gmv", "month", "2026-02-01", "all"]
    assert (card["previous_value"], card["change"], card["status"], card["is_latest"]) == (
        10.0,
        None,
        "not_final",
        False,
    )


def test_a_feed_that_ended_has_no_latest():
    span = calendar("2026-01-01", "2026-03-31")
    ended = collected(
        span, months("gmv", "2026-01-01", [1.0, 2.0]), months("gmv", "2026-03-01", [None], is_covered=False)
    )
    assert ended.latest("gmv", "month") is None
    young = collected(
        span,
        months("gmv", "2026-01-01", [1.0, 2.0]),
        months("gmv", "2026-03-01", [None], is_covered=False, is_mature=False),
    )
    assert young.latest("gmv", "month") == day("2026-02-01")


@pytest.mark.parametrize(
    ("kpi_id", "value", "line", "gap", "status"),
    [
        ("gmv", 100.0, "100 - - 90 80", 0.0, "good"),
        ("gmv", 90.0, "100 - - 90 80", -10.0, "good"),
        ("gmv", 80.0, "100 - - 90 80", -20.0, "warn"),
        ("gmv", 79.9, "100 - - 90 80", -20.1, "alert"),
        ("gmv", 10.0, "100 - - - -", -90.0, "warn"),
        ("order_defect_rate", (3.0, 100), "0.02 - - 0.03 0.04", -0.01, "good"),
        ("order_defect_rate", (5.0, 100), "0.02 - - 0.03 0.04", -0.03, "alert"),
        ("order_defect_rate", (5.0, 19), "0.02 - - 0.03 0.04", 0.02 - 5 / 19, "insufficient_data"),
        ("ad_spend", 15.0, "- 10 20 1 5", 0.0, "good"),
        ("ad_spend", 21.0, "- 10 20 1 5", -1.0, "good"),
        ("ad_spend", 5.0, "- 10 20 1 5", -5.0, "warn"),
        ("ad_spend", 26.0, "- 10 20 1 5", -6.0, "alert"),
    ],
)
def test_targets(kpi_id, value, line, gap, status):
    values = collected(calendar("2026-01-01", "2026-01-31"), months(kpi_id, "2026-01-01", [value]))
    card = cards(values, [f"{kpi_id} 2026-01-01 - {line}"])[kpi_id, "month", "2026-01-01", "all"]
    assert (card["gap"], card["status"]) == (pytest.approx(gap), status)
    scale = 15.0 if kpi_id == "ad_spend" else card["target"]
    assert card["gap_rate"] == pytest.approx(gap / scale)
    assert card["attainment"] == pytest.approx(1 + gap / scale)
    assert card["recommended_action"] == ("Act." if status in ("warn", "alert") else None)


def test_nearer_to_the_band_is_better():
    values = collected(
        calendar("2026-01-01", "2026-04-30"),
        months("buyer_seller_ratio", "2026-01-01", [(90.0, 30), (210.0, 30), (180.0, 30), (150.0, 30)]),
    )
    found = cards(values, ["buyer_seller_ratio 2026-01-01 - - 5 6 - -"])
    better = [found["buyer_seller_ratio", "month", f"2026-0{n}-01", "all"]["is_better"] for n in (1, 2, 3, 4)]
    assert better == [None, True, True, None]  # 3, 7, 6, 5: 2 outside, 1 outside, inside, inside
    without = cards(values)["buyer_seller_ratio", "month", "2026-02-01", "all"]
    assert (without["is_better"], without["status"]) == (None, "no_target")


def test_a_segment_with_a_target_has_a_row_wherever_all_has():
    span = calendar("2026-01-01", "2026-02-28")
    values = collected(
        span,
        months("gmv", "2026-01-01", [10.0, 20.0]),
        months("gmv", "2026-02-01", [5.0], segment="country=FR"),
        months("gmv", "2026-02-01", [15.0], segment="country=DE"),
        segments=(("gmv", "country", "FR"),),
    )
    goal = delivered("gmv 2026-02-01 - 4 - - - -").with_columns(
        dimension=pl.lit("country"), dimension_value=pl.lit("FR")
    )
    found = cards(values, goals=targets(goal, KPIS))
    assert set(found) == {
        ("gmv", "month", start, value) for start in ("2026-01-01", "2026-02-01") for value in ("all", "FR")
    }
    card = found["gmv", "month", "2026-02-01", "FR"]
    assert (card["previous_value"], card["change"], card["status"]) == (0.0, 5.0, "good")
    assert (
        found["gmv", "month", "2026-01-01", "FR"]["value"],
        found["gmv", "month", "2026-01-01", "FR"]["status"],
    ) == (0.0, "no_target")


def test_benchmark_trend_and_anomaly():
    values = collected(calendar("2026-01-01", "2026-02-28"), months("gmv", "2026-01-01", [10.0, 20.0]))
    trends = pl.DataFrame([("gmv", "month", 1.0, 1.0, 0.01, "falling", "worsening", 2)], schema=TRENDS, orient="row")
    anomalies = pl.DataFrame(
        [("gmv", day("2026-02-03"), True), ("gmv", day("2026-01-03"), False)],
        schema=["kpi_id", "period_start", "is_anomaly"],
        orient="row",
    )
    found = cards(values, reference={"gmv": (15.0, "Them")}, trends=trends, anomalies=anomalies)
    first, last = (found["gmv", "month", f"2026-0{n}-01", "all"] for n in (1, 2))
    assert [card["benchmark_position"] for card in (first, last)] == ["worse", "better"]
    assert [card["trend"] for card in (first, last)] == [None, "falling"]
    assert [card["is_anomaly"] for card in (first, last)] == [False, True]
    assert [card["recommended_action"] for card in (first, last)] == [None, "Act."]


def test_small_months():
    values = collected(
        calendar("2026-01-01", "2026-02-28"),
        months("aov", "2026-01-01", [(8.0, 4), (10.0, 5)]),
        months("gmv", "2026-01-01", [1.0, 1.0]),
    )
    assert kpi_month(values, KPIS).sort("kpi_id", "period_start")["is_small"].to_list() == [True, False, False, False]
