"""Business days, the span, the five period grains, and the windows that roll with them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import polars as pl

GRAINS = {"day": "1d", "week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}
COARSE_DIMENSIONS = ("seller", "campaign")  # kept at the coarse grains only
COARSE_GRAINS = ("month", "quarter", "year")
FOREVER = dt.date(9999, 12, 30)


def grains_of(dimension: str) -> tuple[str, ...]:
    """The grains at which a dimension is kept."""
    return COARSE_GRAINS if dimension in COARSE_DIMENSIONS else tuple(GRAINS)


def start_of(grain: str, day: pl.Expr) -> pl.Expr:
    """First day of the period a day lies in; weeks start on Monday."""
    return day.dt.truncate(GRAINS[grain])


def days_between(earlier: pl.Expr, later: pl.Expr) -> pl.Expr:
    """Difference of two business days, negative when `later` lies before `earlier`."""
    return (later - earlier).dt.total_days()


def hours_between(earlier: pl.Expr, later: pl.Expr) -> pl.Expr:
    """Duration in hours; clocks that disagree give 0, never less."""
    return ((later - earlier).dt.total_microseconds() / 3.6e9).clip(lower_bound=0)


@dataclass(frozen=True)
class Calendar:
    """The span (both days included) in the business time zone."""

    first_day: dt.date
    as_of: dt.date
    timezone: str

    def day(self, moment: str | pl.Expr) -> pl.Expr:
        """Business day of a UTC instant."""
        moment = pl.col(moment) if isinstance(moment, str) else moment
        return moment.dt.convert_time_zone(self.timezone).dt.date()

    @cached_property
    def end(self) -> dt.datetime:
        """The instant as_of ends: midnight of the next business day."""
        midnight = dt.datetime.combine(self.as_of + dt.timedelta(days=1), dt.time(), ZoneInfo(self.timezone))
        return midnight.astimezone(dt.UTC)

    @cached_property
    def periods(self) -> pl.DataFrame:
        """Every period of the span: period_grain, period_start, last_day, counted_to (last day or as_of)."""
        days = pl.DataFrame({"day": pl.date_range(self.first_day, self.as_of, eager=True)})
        parts = []
        for grain, length in GRAINS.items():
            starts = days.select(period_start=start_of(grain, pl.col("day"))).unique(maintain_order=True)
            last_day = pl.col("period_start").dt.offset_by(length).dt.offset_by("-1d")
            parts.append(starts.select(pl.lit(grain).alias("period_grain"), "period_start", last_day=last_day))
        counted_to = pl.min_horizontal("last_day", pl.lit(self.as_of))
        return pl.concat(parts).with_columns(counted_to=counted_to)

    def within(self, grain: str, facts: pl.DataFrame, day: str) -> pl.DataFrame:
        """Facts of the days of the span, with `period_start`; what has no day is left out."""
        inside = facts.filter(pl.col(day).is_between(self.first_day, self.as_of))
        return inside.with_columns(period_start=start_of(grain, pl.col(day)))
