"""What the operator delivers beside the data, and what the project knows: targets, benchmarks, calendar, actions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import polars as pl

from python_checks.decisions.calendar import DAY
from python_checks.decisions.definitions import Definition
from python_checks.recompute.world import World

SEEDS = Path(__file__).parents[2] / "seeds"
TARGET_KEY = ("kpi_id", "period_grain", "dimension", "dimension_value", "valid_from")
LEVELS = ("target", "target_low", "target_high", "warn", "alert")
FOREVER = dt.date.max


@dataclass
class Target:
    """A row of kpi_targets that counts; valid_to is the end as it holds (None: open)."""

    kpi_id: str
    period_grain: str
    dimension: str
    dimension_value: str
    valid_from: dt.date
    valid_to: dt.date | None
    target: float | None
    target_low: float | None
    target_high: float | None
    warn: float | None
    alert: float | None
    min_volume: int | None
    set_by: str | None
    reason: str | None

    @property
    def group(self) -> tuple[str, str, str, str]:
        """What it is a target of."""
        return self.kpi_id, self.period_grain, self.dimension, self.dimension_value

    def distance(self, value: float) -> float:
        """How far a value lies outside the band."""
        return max(self.target_low - value, value - self.target_high, 0.0)

    def is_within(self, value: float, distance: float) -> bool:
        """Whether a value lies no farther than that outside the band; its ends are exact decimals."""
        low, high, more = (Decimal(repr(level)) for level in (self.target_low, self.target_high, distance))
        return float(low - more) <= value <= float(high + more)


@dataclass
class Targets:
    """The targets that count, by what they are targets of."""

    rows: list[Target] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._groups: dict[tuple, list[Target]] = {}
        for row in self.rows:
            self._groups.setdefault(row.group, []).append(row)

    def at(self, kpi_id: str, grain: str, start: dt.date, dimension: str = "all", value: str = "all") -> Target | None:
        """The target that holds for a period."""
        for row in self._groups.get((kpi_id, grain, dimension, value), ()):
            if row.valid_from <= start <= (row.valid_to or FOREVER):
                return row
        return None

    def groups(self) -> set[tuple[str, str, str, str]]:
        """(kpi_id, period_grain, dimension, dimension_value) of every target."""
        return set(self._groups)


def targets(delivered: pl.DataFrame, kpis: dict[str, Definition]) -> Targets:
    """The targets that count, of all good deliveries in their order.

    Without those that contradict themselves or their KPI, which never supersede a good one of the same key; the latest
    of each key; without those that overlap.
    """
    latest: dict[tuple, Target] = {}
    for row in delivered.iter_rows(named=True):
        levels = {name: None if row[name] is None else float(row[name]) for name in LEVELS}
        target = Target(**{**{name: row[name] for name in Target.__dataclass_fields__}, **levels})
        if target.kpi_id in kpis and _holds_together(target, kpis[target.kpi_id]):
            latest[tuple(row[name] for name in TARGET_KEY)] = target
    rows = latest.values()
    groups: dict[tuple, list[Target]] = {}
    for row in sorted(rows, key=lambda row: row.valid_from):
        groups.setdefault(row.group, []).append(row)
    kept = []
    for group in groups.values():
        for row, following in pairwise(group):
            if row.valid_to is None:
                row.valid_to = following.valid_from - DAY
        kept += [row for row in group if not any(_overlap(row, other) for other in group if other is not row)]
    return Targets(sorted(kept, key=lambda row: (*row.group, row.valid_from)))


def _holds_together(row: Target, kpi: Definition) -> bool:
    if row.dimension not in (*kpi.dimensions, "all") or (row.dimension == "all" and row.dimension_value != "all"):
        return False
    if row.valid_to is not None and row.valid_to < row.valid_from:
        return False
    if kpi.sense:
        if row.target is None:
            return False
        warn = row.target if row.warn is None else row.warn
        alert = warn if row.alert is None else row.alert
        return kpi.sense * alert <= kpi.sense * warn <= kpi.sense * row.target
    if row.target_low is None or row.target_high is None or row.target_low > row.target_high:
        return False
    warn = 0.0 if row.warn is None else row.warn
    return 0 <= warn <= (warn if row.alert is None else row.alert)


def _overlap(one: Target, other: Target) -> bool:
    return one.valid_from <= (other.valid_to or FOREVER) and other.valid_from <= (one.valid_to or FOREVER)


# -- what the project knows -------------------------------------------------------------------------------------------


def seed(name: str, folder: Path = SEEDS) -> pl.DataFrame:
    """A seed, all text, an empty field as null."""
    return pl.read_csv(folder / f"{name}.csv", infer_schema=False)


def benchmarks(folder: Path = SEEDS) -> pl.DataFrame:
    """The benchmarks, with numbers, days and truths as such."""
    rows = seed("builtin_benchmarks", folder)
    kinds = {"value": pl.Float64, "min_volume": pl.Float64, "window_days": pl.Float64}
    return rows.with_columns(
        *(pl.col(name).cast(kind) for name, kind in kinds.items() if name in rows.columns),
        *(pl.col(name).str.to_date() for name in ("published_on", "as_of") if name in rows.columns),
        pl.col("is_reference").str.to_lowercase() == "true",
    )


def reference(rows: pl.DataFrame) -> dict[str, tuple[float, str]]:
    """Per KPI the value and source of the benchmark its values are held against."""
    chosen = rows.filter(pl.col("is_reference"))
    return {kpi_id: (value, source) for kpi_id, value, source in chosen.select("kpi_id", "value", "source").iter_rows()}


def calendar_events(delivered: pl.DataFrame, folder: Path = SEEDS) -> pl.DataFrame:
    """event_date, country, name, kind: a delivered row wins over one of the same day, country and name."""
    key = ["event_date", "country", "name"]
    known = seed("calendar_events", folder).with_columns(pl.col("event_date").str.to_date())
    known = known.join(delivered, on=key, how="anti")
    return pl.concat([known.select(*key, "kind"), delivered.select(*key, pl.col("kind").cast(pl.String))])


def home_country(world: World) -> str | None:
    """The country with most paid orders, ties alphabetical."""
    paid = world.all_orders.filter(pl.col("paid_at").is_not_null() & pl.col("country").is_not_null())
    counted = paid.group_by(pl.col("country").cast(pl.String)).len("orders")
    counted = counted.sort("orders", "country", descending=[True, False])
    return counted["country"][0] if len(counted) else None
