"""Targets, special days and the way values are written."""

import polars as pl
import pytest
from decisions_market import day, known

from python_checks.decisions.calendar import before, last_day, special_days, year_before
from python_checks.decisions.inputs import calendar_events, home_country, targets
from python_checks.decisions.text import is_written, ways_to_write

KPIS = known(gmv={}, churn_rate_180d={"direction": "down"}, ad_spend={"direction": "neutral"})
SCHEMA = {
    "kpi_id": pl.String, "period_grain": pl.String, "dimension": pl.String, "dimension_value": pl.String,
    "valid_from": pl.Date, "valid_to": pl.Date, "target": pl.String, "target_low": pl.String, "target_high": pl.String,
    "warn": pl.String, "alert": pl.String, "min_volume": pl.Int64, "set_by": pl.String, "reason": pl.String}


def delivered(*lines: str) -> pl.DataFrame:
    """`kpi from to target low high warn alert`, a dash for nothing; months, of `all`."""
    names = ["kpi_id", "valid_from", "valid_to", "target", "target_low", "target_high", "warn", "alert"]
    found = []
    for line in lines:
        row = {name: None if text == "-" else text for name, text in zip(names, line.split(), strict=True)}
        row |= {name: row[name] and day(row[name]) for name in ("valid_from", "valid_to")}
        found.append({"period_grain": "month", "dimension": "all", "dimension_value": "all", **row})
    return pl.DataFrame(found, schema=SCHEMA)


def kept(*lines: str) -> list[tuple]:
    return [(row.kpi_id, str(row.valid_from), row.valid_to and str(row.valid_to), row.target)
            for row in targets(delivered(*lines), KPIS).rows]


def test_an_open_row_ends_before_the_next():
    assert kept("gmv 2026-01-01 - 100 - - - -", "gmv 2026-03-01 - 120 - - - -") == [
        ("gmv", "2026-01-01", "2026-02-28", 100.0), ("gmv", "2026-03-01", None, 120.0)]


def test_rows_that_overlap_are_both_rejected():
    assert kept("gmv 2026-01-01 2026-03-01 100 - - - -", "gmv 2026-03-01 2026-04-30 120 - - - -",
                "gmv 2026-06-01 - 90 - - - -") == [("gmv", "2026-06-01", None, 90.0)]


@pytest.mark.parametrize(("line", "is_kept"), [
    ("gmv 2026-03-01 - 100 - - 90 80", True),
    ("gmv 2026-03-01 - 100 - - 110 80", False),  # warn beyond the target
    ("gmv 2026-03-01 - 100 - - - 101", False),  # warn is the target, alert beyond it
    ("gmv 2026-03-01 - - - - - -", False),
    ("churn_rate_180d 2026-03-01 - 0.2 - - 0.3 0.4", True),
    ("churn_rate_180d 2026-03-01 - 0.2 - - 0.1 0.4", False),
    ("ad_spend 2026-03-01 - - 10 20 1 2", True),
    ("ad_spend 2026-03-01 - - 10 20 2 1", False),
    ("ad_spend 2026-03-01 - - 10 20 -1 1", False),
    ("ad_spend 2026-03-01 - - 20 10 - -", False),
    ("ad_spend 2026-03-01 - 15 - - - -", False),
    ("gmv 2026-03-01 2026-02-01 100 - - - -", False),
    ("nothing 2026-03-01 - 100 - - - -", False),
])
def test_levels_agree_with_the_direction(line, is_kept):
    assert bool(kept(line)) == is_kept


def test_a_bad_row_ends_no_other_and_supersedes_none():
    good = "gmv 2026-01-01 - 100 - - - -"
    assert kept(good, "gmv 2026-03-01 - 120 - - 130 -") == [("gmv", "2026-01-01", None, 100.0)]
    assert kept(good, "gmv 2026-01-01 - 120 - - 130 -") == [("gmv", "2026-01-01", None, 100.0)]
    assert kept(good, "gmv 2026-01-01 - 130 - - - -") == [("gmv", "2026-01-01", None, 130.0)]


def test_the_target_of_a_period():
    found = targets(delivered("gmv 2026-01-15 2026-04-01 100 - - - -"), KPIS)
    held = [month for month in range(1, 7) if found.at("gmv", "month", day(f"2026-{month:02}-01"))]
    assert held == [2, 3, 4]
    assert found.at("gmv", "week", day("2026-02-02")) is None


def test_neighbours():
    assert before("month", day("2026-03-01")) == day("2026-02-01")
    assert before("quarter", day("2026-01-01")) == day("2025-10-01")
    assert year_before("week", day("2026-03-02")) == day("2025-03-03")  # a Monday too
    assert year_before("month", day("2024-02-01")) == day("2023-02-01")
    assert last_day("quarter", day("2026-10-01")) == day("2026-12-31")


def test_special_days():
    season = [f"FR sales_season Soldes 2026-01-{n:02}" for n in range(7, 15)]  # eight days
    short = [f"FR sales_season Days 2026-03-{n:02}" for n in (1, 2, 10)]
    others = ["FR public_holiday Noel 2026-12-25", "FR incident Break 2026-12-25", "DE incident Other 2026-05-05",
              "FR school_holiday Free 2026-05-06"]
    events = [line.split() for line in season + short + others]
    frame = pl.DataFrame(
        [(day(date), country, name, kind) for country, kind, name, date in events],
        schema=["event_date", "country", "name", "kind"], orient="row")
    found = {str(date): names for date, names in special_days(frame, "FR").items()}
    assert found == {
        "2026-03-01": "Days", "2026-03-02": "Days", "2026-03-10": "Days", "2026-12-25": "Break, Noel"}
    assert special_days(frame, None) == {}


def test_a_delivered_day_wins(tmp_path):
    (tmp_path / "calendar_events.csv").write_text(
        "event_date,country,kind,name\n2026-01-01,FR,public_holiday,A\n2026-01-02,FR,public_holiday,B\n")
    schema = {"event_date": pl.Date, "country": pl.String, "name": pl.String, "kind": pl.String}
    own = pl.DataFrame([(day("2026-01-01"), "FR", "A", "school_holiday")], schema=schema, orient="row")
    assert list(special_days(calendar_events(own, tmp_path), "FR").values()) == ["B"]


def test_the_country_with_most_paid_orders():
    class World:
        all_orders = pl.DataFrame({
            "country": ["FR", "FR", "DE", "DE", None, None, None, "IT", "IT"],
            "paid_at": [1, 1, 1, 1, 1, 1, 1, 1, None]})

    assert home_country(World) == "DE"


@pytest.mark.parametrize(("value", "form", "text"), [
    (1234.5, "#,##0", "1,235"), (-1234.5, "#,##0", "-1,235"), (0.1234, "0.0%", "12.3%"), (0.12345, "0.00%", "12.35%"),
    (1234.5, "#,##0.00", "1,234.50"), (1234.567, "0.0", "1234.6"), (-0.001, "0.00", "0.00"), (12.0, "0", "12"),
    (None, "0", None), (2.5, "0", "3"), (0.0, "0.0%", "0.0%"),
])
def test_written(value, form, text):
    assert ways_to_write(value, form) == {text} or text in ways_to_write(value, form)
    assert is_written(text, value, form)


@pytest.mark.parametrize("text", ["12.4%", "0.123", "12.3", "12,3%", None, ""])
def test_written_otherwise(text):
    assert not is_written(text, 0.1234, "0.0%")


def test_halves_that_a_last_bit_moves():
    assert ways_to_write(1.005, "0.00") == {"1.00", "1.01"} or "1.01" in ways_to_write(1.005, "0.00")
    assert not is_written("1.02", 1.005, "0.00")
