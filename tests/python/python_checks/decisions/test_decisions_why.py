"""Drivers and bridges, worked out by hand."""

import types

import polars as pl
import pytest
from decisions_market import calendar, collected, day, known, months

from python_checks.decisions.why import gmv_bridge, kpi_drivers
from python_checks.recompute.money import UNIT_PLACES

SPAN = calendar("2026-01-01", "2026-02-28")
KPIS = known(
    orders={"dimensions": "country region"}, aov={"dimensions": "country region"}, median_order_value={})


def segment(kpi_id, name, before, after):
    return months(kpi_id, "2026-01-01", [before, after], segment=name)


def drivers(*frames):
    found = kpi_drivers(collected(SPAN, *frames), KPIS)
    assert set(found["compared_with"]) <= {"previous"}  # a year before lies outside the span
    return {(row["dimension"], row["dimension_value"]): row for row in found.iter_rows(named=True)}


def test_a_ratio_changes_by_rates_and_by_mix():
    found = drivers(
        months("aov", "2026-01-01", [(50.0, 200), (50.0, 300)]),
        segment("aov", "country=A", (10.0, 100), (30.0, 200)), segment("aov", "country=B", (40.0, 100), (20.0, 100)))
    a, b = found["country", "A"], found["country", "B"]
    mean = (1 / 4 + 1 / 6) / 2
    assert a["contribution"] == pytest.approx(0.1 - 0.05 - mean / 6)
    assert a["mix_effect"] == pytest.approx((0.125 - mean) / 6)
    assert a["rate_effect"] == pytest.approx(a["contribution"] - a["mix_effect"])
    assert (a["value_before"], a["value_after"], a["weight_before"]) == (0.1, 0.15, 0.5)
    assert a["contribution"] + b["contribution"] == pytest.approx(1 / 6 - 1 / 4)


def test_a_value_without_denominator_takes_its_rate_of_the_other_period():
    found = drivers(
        months("aov", "2026-01-01", [(50.0, 100), (80.0, 200)]),
        months("aov", "2026-01-01", [(50.0, 100)], segment="country=A"),
        months("aov", "2026-02-01", [(30.0, 100)], segment="country=A"),
        months("aov", "2026-02-01", [(50.0, 100)], segment="country=B"))
    b = found["country", "B"]
    assert (b["value_before"], b["value_after"], b["weight_before"]) == (None, 0.5, 0.0)
    mean = (0.5 + 0.4) / 2
    assert b["mix_effect"] == pytest.approx((0.5 - mean) * 0.5)
    assert b["contribution"] == pytest.approx(50 / 200 - mean * 0.5)
    assert b["rate_effect"] == pytest.approx(0)


def test_a_count_changes_by_differences():
    found = drivers(
        months("orders", "2026-01-01", [10.0, 20.0]),
        segment("orders", "country=A", 10.0, 5.0), months("orders", "2026-02-01", [15.0], segment="country=B"))
    a, b = found["country", "A"], found["country", "B"]
    assert (a["contribution"], a["weight_before"], a["weight_after"], a["mix_effect"]) == (-5.0, 1.0, 0.25, None)
    assert (b["contribution"], b["value_before"]) == (15.0, 0.0)


def test_dimensions_that_do_not_add_up_are_left_out():
    found = drivers(
        months("orders", "2026-01-01", [10.0, 20.0]),
        segment("orders", "country=A", 10.0, 19.0), segment("orders", "region=R", 10.0, 20.0))
    assert set(found) == {("region", "R")}


def test_a_period_that_is_not_final_is_not_compared_with():
    frames = months("orders", "2026-01-01", [10.0]), months("orders", "2026-02-01", [20.0])
    parts = segment("orders", "country=A", 10.0, 20.0)
    assert drivers(*frames, parts)
    assert not drivers(frames[0].with_columns(is_covered=pl.lit(False)), frames[1], parts)


def bridge(orders, sessions, gmv, counts, covered=True):
    """The month bridges of purchases (customer, day, amount)."""
    unit = 10**UNIT_PLACES
    frame = pl.DataFrame(
        [(customer, day(date), amount) for customer, date, amount in orders],
        schema={"customer_id": pl.String, "order_day": pl.Date, "gmv": pl.Int64}, orient="row")
    world = types.SimpleNamespace(orders=frame.with_columns(pl.col("gmv").cast(pl.Int128) * unit))
    values = collected(
        SPAN, months("gmv", "2026-01-01", gmv), months("orders", "2026-01-01", counts),
        months("sessions", "2026-01-01", sessions, is_covered=covered))
    found = gmv_bridge(values, world)
    assert set(found["compared_with"]) == {"previous"}
    return {(row["bridge"], row["component"]): row["contribution"] for row in found.iter_rows(named=True)}


PURCHASES = [
    ("old", "2026-01-03", 10), ("kept", "2026-01-04", 30), ("kept", "2026-02-04", 50), ("new", "2026-02-05", 70)]


def test_bridges():
    found = bridge(PURCHASES, [100.0, 120.0], [40.0, 120.0], [2.0, 2.0])
    assert {name: part for (kind, name), part in found.items() if kind == "buyers"} == {
        "new": 70.0, "kept": 20.0, "reactivated": 0.0, "lost": -10.0}
    b0, b1 = 2 / 100, 2 / 120
    sessions = 20 * (b0 * 20 / 3 + (b0 * 60 + b1 * 20) / 6 + b1 * 60 / 3)
    assert found["traffic", "sessions"] == pytest.approx(sessions)
    assert sum(part for (kind, _), part in found.items() if kind == "traffic") == pytest.approx(80)


def test_without_events_orders_and_their_value():
    for sessions, covered in (([None, None], False), ([100.0, 0.0], True)):
        found = bridge(PURCHASES, sessions, [40.0, 120.0], [2.0, 2.0], covered)
        assert {name: part for (kind, name), part in found.items() if kind == "traffic"} == {"orders": 0.0, "aov": 80.0}


def test_a_missing_aov_takes_the_others():
    found = bridge([("a", "2026-02-03", 30)], [10.0, 10.0], [0.0, 30.0], [0.0, 3.0])
    assert (found["traffic", "aov"], found["traffic", "sessions"]) == (0.0, 0.0)
    assert found["traffic", "orders_per_session"] == pytest.approx(30)


def test_back_after_a_pause():
    unit = 10**UNIT_PLACES
    frame = pl.DataFrame({
        "customer_id": ["x", "x", "y"], "order_day": [day("2026-01-03"), day("2026-03-03"), day("2026-02-03")],
        "gmv": [5, 7, 1]}).with_columns(pl.col("gmv").cast(pl.Int128) * unit)
    values = collected(
        calendar("2026-01-01", "2026-03-31"), months("gmv", "2026-01-01", [5.0, 1.0, 7.0]),
        months("orders", "2026-01-01", [1.0, 1.0, 1.0]))
    found = gmv_bridge(values, types.SimpleNamespace(orders=frame)).filter(
        (pl.col("bridge") == "buyers") & (pl.col("period_start") == day("2026-03-01")))
    assert dict(found.select("component", "contribution").iter_rows()) == {
        "new": 0.0, "kept": 0.0, "reactivated": 7.0, "lost": -1.0}
