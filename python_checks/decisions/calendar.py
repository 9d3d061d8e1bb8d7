"""Periods and their neighbours, and the special days."""

from __future__ import annotations

import datetime as dt

import polars as pl

from python_checks.recompute.periods import Calendar

DAY = dt.timedelta(days=1)
YEAR = dt.timedelta(days=364)  # of days and weeks: the same weekday
GRAINS = ("week", "month", "quarter", "year")
MONTHS = {"month": 1, "quarter": 3, "year": 12}
SEASON = 7  # days in a row that still are special
SPECIAL = ("public_holiday", "incident")


def moved(start: dt.date, months: int) -> dt.date:
    """The first day of the month so many months later."""
    months += start.year * 12 + start.month - 1
    return dt.date(months // 12, months % 12 + 1, 1)


def before(grain: str, start: dt.date) -> dt.date:
    """Start of the period just before."""
    return moved(start, -MONTHS[grain]) if grain in MONTHS else start - DAY * (7 if grain == "week" else 1)


def year_before(grain: str, start: dt.date) -> dt.date:
    """Start of the period a year before."""
    return moved(start, -12) if grain in MONTHS else start - YEAR


def last_day(grain: str, start: dt.date) -> dt.date:
    """The calendar end of a period."""
    return moved(start, MONTHS[grain]) - DAY if grain in MONTHS else start + DAY * (6 if grain == "week" else 0)


def number(grain: str, start: dt.date) -> int:
    """Consecutive periods have consecutive numbers."""
    if grain in MONTHS:
        return (start.year * 12 + start.month - 1) // MONTHS[grain]
    return start.toordinal() // (7 if grain == "week" else 1)


def neighbours(calendar: Calendar) -> pl.DataFrame:
    """Every period of the span from the week on: period_end, days in it, days elapsed, and the two it compares with."""
    rows = [
        (grain, start, end, (end - start).days + 1, (counted_to - start).days + 1,
         before(grain, start), year_before(grain, start))
        for grain, start, end, counted_to in calendar.periods.select(
            "period_grain", "period_start", "last_day", "counted_to").iter_rows()
        if grain in GRAINS
    ]
    schema = {
        "period_grain": pl.String, "period_start": pl.Date, "period_end": pl.Date, "days": pl.Int64,
        "elapsed": pl.Int64, "previous_start": pl.Date, "year_start": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def special_days(events: pl.DataFrame, country: str | None) -> dict[dt.date, str]:
    """Special days of a country with their names, joined in order.

    Holidays and incidents are; sales are when they last at most a week: days of one name in a row.
    """
    own = events.filter(pl.col("country") == country) if country else events.clear()
    names: dict[dt.date, set[str]] = {}
    seasons: dict[str, list[dt.date]] = {}
    for day, kind, name in own.select("event_date", "kind", "name").sort("event_date").iter_rows():
        if kind in SPECIAL:
            names.setdefault(day, set()).add(name)
        elif kind == "sales_season":
            seasons.setdefault(name, []).append(day)
    for name, days in seasons.items():
        run: list[dt.date] = []
        for day in [*days, None]:
            if run and (day is None or day - run[-1] > DAY):
                if len(run) <= SEASON:
                    for one in run:
                        names.setdefault(one, set()).add(name)
                run = []
            run.append(day)
    return {day: ", ".join(sorted(its)) for day, its in names.items()}
