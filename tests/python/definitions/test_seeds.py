"""What the project knows by itself: the calendar, published benchmarks, built-in policies of sellers."""

import csv
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from ops.seed_calendar import COUNTRIES, SEED, YEARS, seed, soldes

SEEDS = Path(__file__).parents[3] / "seeds"
HOURS = {"acceptance_time_median", "seller_response_time_median"}
KEEPS = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


def rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_calendar_is_what_its_script_writes():
    assert SEED.read_bytes().decode() == seed()


def test_the_calendar_holds_every_year_of_every_country():
    holidays = {
        (row["country"], int(row["event_date"][:4]))
        for row in rows("calendar_events")
        if row["kind"] == "public_holiday"
    }
    assert holidays == {(country, year) for country in COUNTRIES for year in YEARS}


@pytest.mark.parametrize(
    ("day", "country", "name"),
    [
        ("2026-07-14", "FR", "Fête nationale"),
        ("2026-04-06", "FR", "Lundi de Pâques"),
        ("2017-10-31", "DE", "Reformationstag"),  # of the whole country in that year alone
        ("2025-12-24", "PL", "Wigilia Bożego Narodzenia"),  # a day off since 2025
        ("2022-09-19", "GB", "State Funeral of Queen Elizabeth II"),
        ("2024-11-20", "BR", "Dia Nacional de Zumbi e da Consciência Negra"),
        ("2024-11-29", "FR", "Black Friday"),  # the fourth Thursday is the 28th, the fourth Friday was the 22nd
        ("2024-12-02", "FR", "Cyber Monday"),
    ],
)
def test_days_one_knows(day, country, name):
    assert name in {
        row["name"] for row in rows("calendar_events") if (row["event_date"], row["country"]) == (day, country)
    }


@pytest.mark.parametrize(
    ("year", "season", "first", "last"),
    [
        (2015, "Soldes d’hiver", "2015-01-07", "2015-02-17"),
        (2016, "Soldes d’été", "2016-06-22", "2016-08-02"),
        (2020, "Soldes d’été", "2020-07-15", "2020-08-11"),
        (2021, "Soldes d’hiver", "2021-01-20", "2021-03-02"),
        (2024, "Soldes d’hiver", "2024-01-10", "2024-02-06"),
        (2026, "Soldes d’été", "2026-06-24", "2026-07-21"),
    ],
)
def test_soldes_as_they_were(year, season, first, last):
    begin, weeks = next((begin, weeks) for name, begin, weeks in soldes(year) if name == season)
    assert (begin, begin + timedelta(days=7 * weeks - 1)) == (date.fromisoformat(first), date.fromisoformat(last))


def test_a_kpi_has_one_reference_at_most():
    references = [row["kpi_id"] for row in rows("builtin_benchmarks") if row["is_reference"] == "true"]
    assert len(references) >= 20
    assert len(references) == len(set(references))


def test_one_bad_thing_never_breaches_a_built_in_policy():
    """At the least volume judged, with one bad thing (a rating of 1 among fives), the limit still holds."""
    for row in rows("builtin_seller_policies"):
        if row["kpi_id"] in HOURS:
            continue
        volume = int(row["min_volume"] or 20)
        if row["kpi_id"] == "avg_rating":
            value = Fraction(5 * (volume - 1) + 1, volume)
        else:
            value = Fraction(1 if "<" in row["operator"] else volume - 1, volume)
        assert KEEPS[row["operator"]](value, Fraction(row["limit_value"])), row


def test_an_alert_comes_before_the_limit():
    for row in rows("builtin_seller_policies"):
        if row["alert_value"]:
            alert, limit = Fraction(row["alert_value"]), Fraction(row["limit_value"])
            assert alert < limit if "<" in row["operator"] else alert > limit, row
