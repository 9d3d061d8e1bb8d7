"""From facts to rows: terms per period and segment, rolling counts, and the published row of a KPI."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.coverage import Coverage
from python_checks.recompute.money import as_number
from python_checks.recompute.periods import Calendar, grains_of

KEYS = ["period_grain", "period_start", "dimension", "dimension_value"]
ALL, UNKNOWN = "all", "unknown"
MEASURES = ["numerator", "denominator", "value", "sample_size"]
ROW_SCHEMA = {
    "kpi_id": pl.String,
    "period_grain": pl.String,
    "period_start": pl.Date,
    "dimension": pl.String,
    "dimension_value": pl.String,
    "numerator": pl.Float64,
    "denominator": pl.Float64,
    "value": pl.Float64,
    "sample_size": pl.Int64,
    "is_mature": pl.Boolean,
    "is_partial": pl.Boolean,
    "is_covered": pl.Boolean,
}


def segment_value(dimension: str) -> pl.Expr:
    """The value a fact has in a dimension; the dimension's column bears its name."""
    value = pl.lit(ALL) if dimension == ALL else pl.col(dimension).fill_null(UNKNOWN)
    return value.alias("dimension_value")


def measure_grain(
    facts: pl.DataFrame, grain: str, dimensions: Iterable[str], terms: dict[str, pl.Expr]
) -> pl.DataFrame:
    """Terms of facts that have a `period_start` of that grain, per period and value of each dimension."""
    parts = [
        facts.group_by("period_start", segment_value(dimension))
        .agg(**terms)
        .with_columns(
            pl.col("dimension_value").cast(pl.String),
            period_grain=pl.lit(grain), dimension=pl.lit(dimension))
        .select(*KEYS, *terms)
        for dimension in dimensions
        if grain in grains_of(dimension)
    ]
    return _plain_numbers(pl.concat(parts)) if parts else pl.DataFrame()


def measure(
    calendar: Calendar, facts: pl.DataFrame, day: str, dimensions: Iterable[str], overall: bool = True, **terms: pl.Expr
) -> pl.DataFrame:
    """Terms at every grain, for `all` (unless not `overall`) and each dimension; the column `day` dates the facts."""
    wanted = [ALL, *dimensions] if overall else list(dimensions)
    roots = {root for term in terms.values() for root in term.meta.root_names()}
    columns = dict.fromkeys([day, *(name for name in wanted if name != ALL), *sorted(roots)])
    facts = facts.select(list(columns))
    parts = [measure_grain(calendar.within(g, facts, day), g, wanted, terms) for g in grains_of(ALL)]
    return pl.concat(part for part in parts if part.width)


def _plain_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Counts as whole numbers, money (held in exact units) and everything else as floating point."""
    columns = []
    for name, kind in frame.schema.items():
        if name in KEYS:
            columns.append(pl.col(name))
        elif kind == pl.Int128:
            columns.append(as_number(pl.col(name)).alias(name))
        else:
            columns.append(pl.col(name).cast(pl.Int64 if kind.is_integer() else pl.Float64))
    return frame.select(columns)


def combine(*frames: pl.DataFrame) -> pl.DataFrame:
    """Measures of different facts side by side; what one of them never met counts 0."""
    combined = frames[0]
    for frame in frames[1:]:
        combined = combined.join(frame, on=KEYS, how="full", coalesce=True)
    return combined.with_columns(pl.exclude(KEYS).fill_null(0))


# -- rolling ----------------------------------------------------------------------------------------------------------


def windows(frame: pl.DataFrame, entity: list[str], day: str, days: int, back: int = 0) -> pl.DataFrame:
    """When an entity counts: from_day..to_day are the days D with one of its days among the `days` days to D - `back`.

    The intervals of an entity never overlap. Keeps the entity's columns and adds from_day and to_day.
    """
    coded = pl.col(entity).cast(pl.Categorical)  # numbers sort faster than texts
    each = frame.filter(pl.col(day).is_not_null()).select(coded, day).unique()
    each = each.sort(pl.col(entity).to_physical(), day)
    following = pl.col(day).shift(-1).over(entity)
    return each.select(
        *entity,
        from_day=pl.col(day).dt.offset_by(f"{back}d"),
        to_day=pl.min_horizontal(pl.col(day).dt.offset_by(f"{days - 1}d"), following.dt.offset_by("-1d"))
        .dt.offset_by(f"{back}d"),
    )


def count_rolling(
    calendar: Calendar,
    intervals: dict[str, pl.DataFrame],
    entity: str,
    condition: pl.Expr,
    dimensions: Iterable[str],
    name: str,
) -> pl.DataFrame:
    """Entities that fulfil a condition on the last counted day of each period.

    `intervals` names frames of (entity, dimension columns, from_day, to_day); in `condition` each name stands for how
    many of the entity's intervals of that frame hold the day; it must not hold where none does. An entity counts once
    under each dimension value.
    """
    parts = []
    for dimension in (ALL, *dimensions):
        changes, value = [], segment_value(dimension).cast(pl.Categorical)
        for label, frame in intervals.items():
            own = frame.filter(pl.col("from_day") <= pl.col("to_day")).select(
                pl.col(entity).cast(pl.Categorical).to_physical().alias("entity"), value.to_physical(),
                "from_day", "to_day")
            for day, step in ((pl.col("from_day"), 1), (pl.col("to_day").dt.offset_by("1d"), -1)):
                steps = (pl.lit(step if other == label else 0, pl.Int32).alias(other) for other in intervals)
                changes.append(own.select("dimension_value", "entity", day.alias("day"), *steps))
        # Every interval that opens also closes, so the levels of an entity end at 0, and so do the counts of a segment:
        # sums may run on from one to the next.
        order = ["dimension_value", "entity", "day"]
        levels = (
            pl.concat(changes)
            .group_by(order).agg(pl.sum(*intervals))
            .sort(order)
            .with_columns(pl.col(*intervals).cum_sum())
            .with_columns(counts=condition.cast(pl.Int64))
        )
        counts = (
            levels.with_columns(change=pl.col("counts").diff().fill_null(pl.col("counts")))
            .group_by("dimension_value", "day").agg(pl.sum("change"))
            .sort("dimension_value", "day")
            .select("dimension_value", "day", pl.col("change").cum_sum().alias(name))
        )
        grains = grains_of(dimension)
        wanted = calendar.periods.filter(pl.col("period_grain").is_in(grains)).sort("counted_to")
        texts = pl.concat(frame.select(value).unique() for frame in intervals.values()).unique()
        named = pl.col("dimension_value")
        segments = texts.select(text=named.cast(pl.String), dimension_value=named.to_physical())
        parts.append(
            wanted.join(segments, how="cross").sort("counted_to")
            .join_asof(
                counts.sort("day"), left_on="counted_to", right_on="day", by="dimension_value", check_sortedness=False)
            .filter(pl.col(name) > 0)
            .select(*KEYS[:2], pl.lit(dimension).alias("dimension"), pl.col("text").alias("dimension_value"), name)
        )
    return pl.concat(parts)


# -- the rows of a KPI ------------------------------------------------------------------------------------------------


class KpiRows:
    """Collects the rows of the wanted KPIs as they are published.

    A frame may hold more dimensions than the KPI lists: only the listed ones are kept. Every period of the span gets
    its `all` row. A KPI whose needs are not met has only those, all null; a period that its feeds do not cover has
    only null too.
    """

    def __init__(self, calendar: Calendar, coverage: Coverage, has: Callable[..., bool], wanted: Iterable[str]) -> None:
        self.calendar = calendar
        self.coverage = coverage
        self.has = has
        self.wanted = frozenset(wanted)
        self._calculated: set[str] = set()
        self._rows: list[pl.DataFrame] = []
        self._empty: list[pl.DataFrame] = []
        self._overall = calendar.periods.select(
            "period_grain", "period_start", pl.lit(ALL).alias("dimension"), pl.lit(ALL).alias("dimension_value"))

    def wants(self, *kpi_ids: str) -> bool:
        """Whether one of these KPIs is wanted."""
        return not self.wanted.isdisjoint(kpi_ids)

    def amount(self, kpi_id: str, frame: pl.DataFrame, term: str) -> None:
        """A count or a sum: 0 where nothing happened."""
        self._add(kpi_id, frame, {"numerator": pl.col(term), "value": pl.col(term)})

    def ratio(self, kpi_id: str, frame: pl.DataFrame, numerator: str | pl.Expr, denominator: str | pl.Expr) -> None:
        """A ratio of two terms; where the denominator is a whole number it counts things and is the sample size."""
        top = pl.col(numerator) if isinstance(numerator, str) else numerator
        bottom = pl.col(denominator) if isinstance(denominator, str) else denominator
        published = {"numerator": top, "denominator": bottom, "value": pl.when(bottom != 0).then(top / bottom)}
        if isinstance(denominator, str) and frame.schema[denominator].is_integer():
            published["sample_size"] = bottom
        self._add(kpi_id, frame, published)

    def percentile(self, kpi_id: str, frame: pl.DataFrame, value: str, size: str) -> None:
        """A median or percentile with the number of measured things beside it."""
        self._add(kpi_id, frame, {"value": pl.col(value), "sample_size": pl.col(size).fill_null(0)}, fill=False)

    def _add(self, kpi_id: str, frame: pl.DataFrame, published: dict[str, pl.Expr], fill: bool = True) -> None:
        if kpi_id not in self.wanted:
            return
        self._calculated.add(kpi_id)
        kpi = KPIS[kpi_id]
        if not self.has(*kpi.needs):
            frame, published = self._overall, {}
        nothing = frame.clear(n=1)
        rows = pl.concat([
            self._overall.join(frame, on=KEYS, how="left").select(frame.columns),
            frame.filter(pl.col("dimension").is_in(list(kpi.dimensions))),
        ])
        if fill:  # a term that met nothing counts 0
            rows, nothing = (part.with_columns(pl.exclude(KEYS).fill_null(0)) for part in (rows, nothing))
        period = ["period_grain", "period_start"]
        rows = rows.join(self.calendar.periods, on=period, how="left").join(
            self.coverage.periods(kpi), on=period, how="left")
        as_of = pl.lit(self.calendar.as_of)
        mature = pl.lit(True) if kpi.maturity is None else pl.col("last_day").dt.offset_by(f"{kpi.maturity}d") <= as_of
        columns = {
            "kpi_id": pl.lit(kpi_id), **{key: pl.col(key) for key in KEYS}, **dict.fromkeys(MEASURES, pl.lit(None)),
            **published, "is_mature": mature, "is_partial": pl.col("last_day") > as_of,
            "is_covered": pl.col("is_covered"),
        }
        known = {**columns, **{name: pl.when("is_covered").then(columns[name]) for name in MEASURES}}
        self._rows.append(rows.select(known[name].cast(kind).alias(name) for name, kind in ROW_SCHEMA.items()))
        empty = ["kpi_id", *MEASURES]
        self._empty.append(nothing.select(columns[name].cast(ROW_SCHEMA[name]).alias(name) for name in empty))

    def frame(self) -> pl.DataFrame:
        """All rows collected. Raises ValueError where a wanted KPI was not calculated."""
        if forgotten := sorted(self.wanted - self._calculated):
            raise ValueError("; ".join(
                f"{kpi_id} is declared in python_checks/recompute/families/{KPIS[kpi_id].family}.py, and nothing there "
                "calculates it: its name belongs into `rows.wants`, and its rows are added under it"
                for kpi_id in forgotten
            ))  # fmt: skip
        return pl.concat(self._rows)

    def empty_segments(self) -> pl.DataFrame:
        """Per KPI what the row of a segment says where nothing happened."""
        return pl.concat(self._empty)
