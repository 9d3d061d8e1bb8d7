"""What a KPI needs, and which days the deliveries cover."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate

import polars as pl

from python_checks.recompute.catalogue import KPIS, Kpi
from python_checks.recompute.contract import TABLES
from python_checks.recompute.files import ExtractError
from python_checks.recompute.periods import Calendar

# The column that dates the rows of a feed; two feeds have another one for KPIs that are dated otherwise.
FEEDS = {
    "payments": "attempted_at",
    "returns": "requested_at",
    "refunds": "refunded_at",
    "claims": "opened_at",
    "reviews": "created_at",
    "operating_costs": "cost_date",
    "events": "occurred_at",
    "ad_spend": "spend_date",
    "leads": "created_at",
    "support_tickets": "opened_at",
    "survey_invitations": "sent_at",
}
BY_DECISION = {"dispute_buyer_win_rate"}
BY_ANSWER = {
    "nps", "seller_nps", "csat", "csat_hot", "csat_cold", "satisfaction_decay", "relationship_satisfaction",
    "value_fit",
}
DATED = [*FEEDS.items(), ("claims", "decided_at"), ("survey_invitations", "answered_at")]
OF_CARTS = {"conversion_rate_cart", "cart_abandonment_rate"}
COUNTED_LATER = {"returns", "refunds", "claims", "reviews", "payments"}
DENSE_DAYS = 10
LATE_START, EARLY_END = dt.timedelta(days=60), dt.timedelta(days=7)


def named(need: str) -> tuple[str, str, str]:
    """Table, column and value a need names, the latter two empty where it names none."""
    if ":" in need:
        table, _, value = need.partition(":")
        return table, "event_name", value
    place, _, value = need.partition("=")
    table, _, column = place.partition(".")
    return table, column, value


def unknown(need: str) -> bool:
    """Whether a need names no table, column or word of the contract."""
    table, column, value = named(need)
    if table not in TABLES or (column and column not in TABLES[table].columns):
        return True
    words = TABLES[table].columns[column].words if column else ()
    return bool(value and words and value not in words) or (":" in need and table != "events")


class Presence:
    """What was delivered: tables with a row, columns with a value, kinds of rows; the rows of bots left out.

    `table` gives the loaded rows of a table, whatever their dates.
    """

    def __init__(self, table: Callable[[str], pl.DataFrame]) -> None:
        self._table = table
        self._known: dict[str, bool] = {}

    def has(self, *needs: str) -> bool:
        """Whether every need is met; a need may name alternatives (`a|b`)."""
        return all(any(self._has(one) for one in need.split("|")) for need in needs)

    def note(self, table: str) -> None:
        """Finds out now whatever a KPI may need of a table, which is going to be forgotten."""
        for kpi in KPIS.values():
            for need in kpi.needs:
                for one in need.split("|"):
                    if named(one)[0] == table:
                        self._has(one)

    def _has(self, need: str) -> bool:
        if need not in self._known:
            table, column, value = named(need)
            rows = self._table(table)
            if value:
                self._known[need] = rows.select((pl.col(column) == value).any()).item()
            elif column:
                self._known[need] = rows[column].count() > 0
            else:
                self._known[need] = len(rows) > 0
        return self._known[need]


class Coverage:
    """The periods in which a KPI's feeds cover every day."""

    def __init__(self, calendar: Calendar, table: Callable[[str], pl.DataFrame], presence: Presence) -> None:
        self.calendar = calendar
        self._table, self._presence = table, presence
        self._covered: dict[tuple[str, str], list[bool]] = {}

    @cached_property
    def days(self) -> list[dt.date]:
        """The days of the span."""
        count = (self.calendar.as_of - self.calendar.first_day).days + 1
        return [self.calendar.first_day + dt.timedelta(days=n) for n in range(count)]

    def check(self) -> None:
        """Raises ExtractError when feed_coverage names what is no feed."""
        strangers = set(self._table("feed_coverage")["table_name"]) - FEEDS.keys()
        if strangers:
            raise ExtractError(f"feed_coverage: {', '.join(sorted(strangers))} is no feed; feeds: {', '.join(FEEDS)}")

    @cached_property
    def declared(self) -> dict[str, list[tuple[dt.date, dt.date]]]:
        """Per feed with rows in feed_coverage the days from and to which it covers."""
        declared: dict[str, list[tuple[dt.date, dt.date]]] = {}
        for row in self._table("feed_coverage").iter_rows(named=True):
            span = (row["covers_from"], row["covers_to"] or self.calendar.as_of)
            declared.setdefault(row["table_name"], []).append(span)
        return declared

    def covered(self, feed: str, dated_by: str = "") -> list[bool]:
        """Per day of the span whether a feed covers it; one that is absent covers none."""
        dated_by = dated_by or FEEDS[feed]
        if (feed, dated_by) not in self._covered:
            if not self._presence.has(feed):
                spans = []
            elif feed in self.declared:
                spans = self.declared[feed]
            else:
                spans = [self._seen(feed, dated_by)]
            self._covered[feed, dated_by] = [any(first <= day <= last for first, last in spans) for day in self.days]
        return self._covered[feed, dated_by]

    def note(self, table: str) -> None:
        """Finds out now what a table covers that is going to be forgotten."""
        for feed, dated_by in DATED:
            if feed == table:
                self.covered(feed, dated_by)

    def _seen(self, feed: str, dated_by: str) -> tuple[dt.date, dt.date]:
        """From and to which day the rows of a feed tell that it covers: the whole span unless they are dense."""
        start, end = self.calendar.first_day, self.calendar.as_of
        rows = self._table(feed).select(dated_by).drop_nulls()
        day = pl.col(dated_by) if rows.schema[dated_by] == pl.Date else self.calendar.day(dated_by)
        days = rows.select(day.unique()).to_series()
        days = days.filter(days.is_between(start, end))
        if len(days) < DENSE_DAYS:
            return start, end
        first, last = days.min(), days.max()
        if 2 * len(days) < (last - first).days + 1:
            return start, end
        return (
            start if first - start <= LATE_START else first,
            end if end - last <= EARLY_END else last,
        )

    def periods(self, kpi: Kpi) -> pl.DataFrame:
        """period_grain, period_start and is_covered of every period of the span."""
        periods = self.calendar.periods
        if not self._presence.has(*kpi.needs):
            return periods.select("period_grain", "period_start", is_covered=pl.lit(False))
        now, later = [True] * len(self.days), [True] * len(self.days)
        for need in kpi.needs:
            there = [one for one in need.split("|") if self._presence.has(one)]
            feeds = {named(one)[0] for one in there}
            if not feeds <= FEEDS.keys():  # a table that is no feed covers every day
                continue
            each = [self.covered(feed, _dated_by(kpi, feed)) for feed in feeds]
            covers = [any(day) for day in zip(*each, strict=True)]
            now = [a and b for a, b in zip(now, covers, strict=True)]
            if kpi.maturity is not None and any(_counted_later(kpi, feed) for feed in feeds):
                later = [a and b for a, b in zip(later, covers, strict=True)]
        open_now = [0, *accumulate(not day for day in now)]  # how many days before a day are not covered
        open_later = [0, *accumulate(not day for day in later)]

        def is_covered(first_day: dt.date, last_day: dt.date) -> bool:
            first, after = (
                min(max((day - self.calendar.first_day).days, 0), len(self.days))
                for day in (first_day, last_day + dt.timedelta(days=1)))
            matured = min(after + (kpi.maturity or 0), len(self.days))
            return open_now[first] == open_now[after] and open_later[after] == open_later[matured]

        flags = [is_covered(*days) for days in periods.select("period_start", "last_day").iter_rows()]
        return periods.select("period_grain", "period_start").with_columns(
            is_covered=pl.Series(flags, dtype=pl.Boolean))


def _dated_by(kpi: Kpi, feed: str) -> str:
    if feed == "claims" and kpi.kpi_id in BY_DECISION:
        return "decided_at"
    if feed == "survey_invitations" and kpi.kpi_id in BY_ANSWER:
        return "answered_at"
    return FEEDS[feed]


def _counted_later(kpi: Kpi, feed: str) -> bool:
    return feed in COUNTED_LATER or (feed == "events" and kpi.kpi_id in OF_CARTS)
