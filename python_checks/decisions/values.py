"""The KPI values a decision looks at, kept compactly while the recomputation goes through the families."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from python_checks.decisions.calendar import DAY, before, last_day, year_before
from python_checks.decisions.definitions import COARSE, Definition
from python_checks.recompute.measure import ALL, KEYS, ROW_SCHEMA
from python_checks.recompute.periods import Calendar

ROW_KEY = ["kpi_id", *KEYS]
DRIVEN = ("week", "month", "quarter")
SIDES = ("previous", "previous_year")


def other_start(side: str, grain: str, start: dt.date) -> dt.date:
    """Start of the period that one is compared with."""
    return before(grain, start) if side == "previous" else year_before(grain, start)


@dataclass
class Row:
    """A period of `all`."""

    start: dt.date
    numerator: float | None
    denominator: float | None
    value: float | None
    sample_size: int | None
    is_final: bool
    is_covered: bool
    is_settled: bool  # complete and mature


class Values:
    """Rows of kpi_values: of `all` all of them, of segments what a table of the decisions is made of.

    `segments` are the (kpi_id, dimension, dimension_value) of targets and actions: all their rows are kept. `add` takes
    what was recomputed of a family and what was published of it: the numbers are the recomputed ones; whether a segment
    without anything to count has a row is the family mart's choice (the comparison of kpi_values judges it), so
    those rows are the published ones.
    """

    def __init__(self, calendar: Calendar, segments: Iterable[tuple[str, str, str]] = ()) -> None:
        self.calendar = calendar
        names = ["kpi_id", "dimension", "dimension_value"]
        self._segments = pl.DataFrame(
            sorted(set(segments)), schema=dict.fromkeys(names, pl.String), orient="row").filter(
                pl.col("dimension") != ALL)
        self._parts: list[pl.DataFrame] = []
        self._frame: pl.DataFrame | None = None
        self._all: dict[tuple[str, str], list[Row]] | None = None

    # -- collecting ---------------------------------------------------------------------------------------------------

    def add(self, recomputed: pl.DataFrame, published: pl.DataFrame | None = None) -> None:
        """Keeps what is needed of the rows of some KPIs (all their rows, columns as in ROW_SCHEMA)."""
        driven = self._driven(recomputed)
        kept = self._kept(recomputed, driven)
        if published is not None:
            own = published.filter(pl.col("kpi_id").is_in(recomputed["kpi_id"].unique().implode()))
            there = self._kept(own, driven)
            numbers = [name for name in ROW_SCHEMA if name not in ROW_KEY]
            known = kept.with_columns(is_recomputed=pl.lit(True))
            both = there.join(known, on=ROW_KEY, how="left", suffix="_here")
            kept = both.select(
                *ROW_KEY,
                *(pl.when("is_recomputed").then(f"{name}_here").otherwise(name).alias(name) for name in numbers),
            ).select(list(ROW_SCHEMA))
        self._parts.append(kept)
        self._frame = self._all = None

    def _kept(self, rows: pl.DataFrame, driven: pl.DataFrame) -> pl.DataFrame:
        is_coarse = pl.col("dimension").is_in(COARSE)
        compared = self._compared_days()
        plain = rows.filter(
            (pl.col("dimension") == ALL)
            | ((pl.col("period_grain") == "month") & ~is_coarse)
            | ((pl.col("period_grain") == "day") & pl.col("period_start").is_in(compared) & ~is_coarse))
        more = [
            rows.join(keys, on=keys.columns, how="semi") for keys in (driven, self._segments) if len(keys)]
        return pl.concat([plain, *more]).unique(ROW_KEY) if more else plain

    def _compared_days(self) -> list[dt.date]:
        """The days that a month which has not ended is compared with."""
        as_of = self.calendar.as_of
        month = as_of.replace(day=1)
        if last_day("month", month) == as_of:
            return []
        found = []
        for side in SIDES:
            start = other_start(side, "month", month)
            count = min((as_of - month).days, (last_day("month", start) - start).days) + 1
            found += [start + DAY * n for n in range(count)]
        return found

    def _driven(self, rows: pl.DataFrame) -> pl.DataFrame:
        """kpi_id, period_grain and period_start of the latest final periods and those they are compared with."""
        found = set()
        for (kpi_id, grain), its in by_kpi(rows, self.calendar).items():
            latest = latest_final(its) if grain in DRIVEN else None
            if latest:
                starts = (latest, *(other_start(side, grain, latest) for side in SIDES))
                found.update((kpi_id, grain, start) for start in starts)
        schema = {"kpi_id": pl.String, "period_grain": pl.String, "period_start": pl.Date}
        return pl.DataFrame(sorted(found), schema=schema, orient="row")

    # -- looking up ---------------------------------------------------------------------------------------------------

    @property
    def frame(self) -> pl.DataFrame:
        """Every row kept."""
        if self._frame is None:
            self._parts = [pl.concat(self._parts) if self._parts else pl.DataFrame(schema=ROW_SCHEMA)]
            self._frame = self._parts[0]
        return self._frame

    def all(self, kpi_id: str, grain: str) -> list[Row]:
        """The periods of `all`, in order."""
        if self._all is None:
            self._all = by_kpi(self.frame, self.calendar)
        return self._all.get((kpi_id, grain), [])

    def row(self, kpi_id: str, grain: str, start: dt.date) -> Row | None:
        """A period of `all`."""
        return next((row for row in self.all(kpi_id, grain) if row.start == start), None)

    def latest(self, kpi_id: str, grain: str) -> dt.date | None:
        """The latest final period."""
        return latest_final(self.all(kpi_id, grain))


def by_kpi(rows: pl.DataFrame, calendar: Calendar) -> dict[tuple[str, str], list[Row]]:
    """The periods of `all` in order, by KPI and grain."""
    found: dict[tuple[str, str], list[Row]] = {}
    final = (
        ~pl.col("is_partial") & pl.col("is_mature") & pl.col("is_covered")
        & (pl.col("period_start") >= calendar.first_day))
    whole = rows.filter(pl.col("dimension") == ALL).sort("period_start").select(
        "kpi_id", "period_grain", "period_start", "numerator", "denominator", "value", "sample_size",
        final.alias("is_final"), "is_covered", is_settled=~pl.col("is_partial") & pl.col("is_mature"))
    for kpi_id, grain, *rest in whole.iter_rows():
        found.setdefault((kpi_id, grain), []).append(Row(*rest))
    return found


def latest_final(rows: list[Row]) -> dt.date | None:
    """The latest final one of a KPI's periods: none when a later one that is complete and mature is not covered."""
    for row in reversed(rows):
        if row.is_final:
            return row.start
        if row.is_settled and not row.is_covered:
            return None
    return None


def small(row: Row, minimum: float | None) -> bool:
    """Whether a value is made of too few things."""
    return minimum is not None and row.sample_size is not None and row.sample_size < minimum


def used_kpis(kpis: dict[str, Definition], values: Values) -> list[Definition]:
    """The KPIs that have rows."""
    there = set(values.frame["kpi_id"].unique())
    return [kpi for kpi_id, kpi in kpis.items() if kpi_id in there]
