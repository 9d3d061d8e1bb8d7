"""What one simulation is asked for, and the settings of the committed sample."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from ops.simulate.contract import TABLES

FORMATS = ("csv", "csv.gz", "parquet")


@dataclass(frozen=True)
class Settings:
    """One simulated marketplace.

    `days` business days end on `end`; `seed` chooses the marketplace (countries, currencies, parties and everything
    that happens). `timezone` and `reporting_currency`, when set, replace those of the marketplace that the seed chose.
    `formats` gives single tables another format than `fmt`.
    """

    orders: int
    days: int
    end: date = date(2026, 10, 31)
    seed: int = 1
    fmt: str = "csv"
    formats: tuple[tuple[str, str], ...] = ()
    daily: bool = False
    tables: tuple[str, ...] = ()
    timezone: str | None = None
    reporting_currency: str | None = None
    sessions_per_order: float = 5.0
    dirt: bool = False

    def __post_init__(self) -> None:
        if self.orders < 1 or self.days < 1:
            raise ValueError("--orders and --days must be at least 1")
        if self.seed < 0:
            raise ValueError("--seed must not be negative")
        unknown = [name for name in self.tables if name not in TABLES]
        if unknown:
            raise ValueError(f"unknown tables {', '.join(unknown)}; known: {', '.join(TABLES)}")
        if self.dirt and "parquet" in {self.fmt, *dict(self.formats).values()}:
            raise ValueError("--dirt adds malformed text and needs --format csv or csv.gz")
        if self.sessions_per_order < 1:
            raise ValueError("--sessions-per-order must be at least 1")
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
SAMPLE = Settings(orders=8_000, days=791, end=date(2026, 10, 31), seed=1, formats=(("events", "parquet"),))
