"""Write seeds/calendar_events.csv: public holidays and sales seasons of ten countries, 2015 to 2035.

    python -m ops.seed_calendar

Public holidays are those the library `holidays` knows for the whole country, under their names there, moved and
substitute days included. Sales seasons are those that a rule fixes: Black Friday (the day after the fourth Thursday of
November) and Cyber Monday, and the French `soldes`. A day may have several names, and then has several rows.
"""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import holidays

SEED = Path(__file__).parents[1] / "seeds" / "calendar_events.csv"
COUNTRIES = ("BE", "BR", "DE", "ES", "FR", "GB", "IT", "NL", "PL", "US")
YEARS = range(2015, 2036)

# The soldes of a year and season that a decree put elsewhere than the rule does: first day and number of weeks.
SOLDES_BY_DECREE = {
    (2020, "Soldes d’été"): (date(2020, 7, 15), 4),
    (2021, "Soldes d’hiver"): (date(2021, 1, 20), 6),
    (2021, "Soldes d’été"): (date(2021, 6, 30), 4),
}
WEDNESDAY, THURSDAY = 2, 3

Row = tuple[date, str, str, str]


def public_holidays() -> Iterator[Row]:
    """Every day off of the whole country, once per name."""
    for country in COUNTRIES:
        language = holidays.country_holidays(country).default_language
        for day, names in holidays.country_holidays(country, years=YEARS, language=language).items():
            for name in names.split(holidays.HOLIDAY_NAME_DELIMITER):
                yield day, country, "public_holiday", name.replace("'", "’")


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """The nth Monday (0) to Sunday (6) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def soldes(year: int) -> Iterator[tuple[str, date, int]]:
    """Name, first day and weeks of the French sales.

    By law the second Wednesday of January and the last of June, a week earlier when that falls after the 12th or the
    28th; six weeks, since 2020 four.
    """
    weeks = 4 if year >= 2020 else 6
    winter = nth_weekday(year, 1, WEDNESDAY, 2)
    summer = nth_weekday(year, 7, WEDNESDAY, 1) - timedelta(days=7)
    for name, first, latest in (("Soldes d’hiver", winter, 12), ("Soldes d’été", summer, 28)):
        by_rule = (first - timedelta(days=7 if first.day > latest else 0), weeks)
        yield name, *SOLDES_BY_DECREE.get((year, name), by_rule)


def sales_seasons() -> Iterator[Row]:
    """Every day of a sales season."""
    for year in YEARS:
        black_friday = nth_weekday(year, 11, THURSDAY, 4) + timedelta(days=1)
        for country in COUNTRIES:
            yield black_friday, country, "sales_season", "Black Friday"
            yield black_friday + timedelta(days=3), country, "sales_season", "Cyber Monday"
        for name, first, weeks in soldes(year):
            for number in range(7 * weeks):
                yield first + timedelta(days=number), "FR", "sales_season", name


def seed() -> str:
    """The seed as text, sorted by its key."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("event_date", "country", "kind", "name"))
    writer.writerows(sorted({*public_holidays(), *sales_seasons()}, key=lambda row: (row[0], row[1], row[3])))
    return text.getvalue()


if __name__ == "__main__":
    SEED.write_text(seed(), encoding="utf-8", newline="")
    print(f"{SEED}: {SEED.read_text(encoding='utf-8').count(chr(10)) - 1} days")
