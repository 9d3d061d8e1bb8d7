"""What one simulation is asked for, and the settings of the committed sample."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from ops.simulate.contract import TABLES
from ops.simulate.dirt import SPOILT

FORMATS = ("csv", "csv.gz", "parquet")


@dataclass(frozen=True)
class Settings:
    """One simulated marketplace.

    `days` business days end on `end`; `seed` chooses the marketplace (countries, currencies, parties and everything
    that happens). `timezone` and `reporting_currency`, when set, replace those of the marketplace that the seed chose.
    `formats` gives single tables another format than `fmt`. `sessions_per_order` counts the sessions of people, bots
    come on top; `session_conversion` of them end with an order. Both are what tracking saw: with the defaults about one
    order in twelve comes in a tracked session, the others by telephone or from people who refused to be tracked, say.
    `daily` delivers every day by itself; `last_days` only so many, after one delivery of all before them.
    `plain` plants nothing: what is found in such a market is a false alarm (docs/simulated-data.md).
    """

    orders: int
    days: int
    end: date = date(2026, 10, 31)
    seed: int = 1
    fmt: str = "csv"
    formats: tuple[tuple[str, str], ...] = ()
    daily: bool = False
    last_days: int = 0
    tables: tuple[str, ...] = ()
    timezone: str | None = None
    reporting_currency: str | None = None
    sessions_per_order: float = 3.3
    session_conversion: float = 0.025
    dirt: bool = False
    plain: bool = False

    def __post_init__(self) -> None:
        if self.orders < 1 or self.days < 1:
            raise ValueError("--orders and --days must be at least 1")
        if not 0 <= self.last_days < self.days or (self.daily and self.last_days):
            raise ValueError("--last-days must be fewer than --days, and goes without --daily")
        if self.seed < 0:
            raise ValueError("--seed must not be negative")
        unknown = [name for name in self.tables if name not in TABLES]
        if unknown:
            raise ValueError(f"unknown tables {', '.join(unknown)}; known: {', '.join(TABLES)}")
        written = [name for name in SPOILT if not self.tables or name in self.tables]
        if self.dirt and any(self.format_of(name) == "parquet" for name in written):
            raise ValueError("--dirt adds malformed text and needs --format csv or csv.gz")
        if self.sessions_per_order < 1:
            raise ValueError("--sessions-per-order must be at least 1")
        if not 0 < self.session_conversion < 1:
            raise ValueError("--session-conversion must lie between 0 and 1")
        for fmt in (self.fmt, *dict(self.formats).values()):
            if fmt not in FORMATS:
                raise ValueError(f"unknown format {fmt!r}; known: {', '.join(FORMATS)}")

    def format_of(self, table: str) -> str:
        """The file format of one table."""
        return dict(self.formats).get(table, self.fmt)

    def with_changes(self, **changes: object) -> "Settings":
        """The same settings with some fields replaced."""
        return replace(self, **changes)


SAMPLE_DIR = Path("extracts/sample")
# 26 months (2024-09-01 .. 2026-10-31), small enough to be committed; the events are the only big table.
# Its sessions are more than the default's, so that every month has some fifty orders of which the session is known.
SAMPLE = Settings(
    orders=8_000,
    days=791,
    end=date(2026, 10, 31),
    seed=1,
    formats=(("events", "parquet"),),
    sessions_per_order=6.0,
    dirt=True,
)
