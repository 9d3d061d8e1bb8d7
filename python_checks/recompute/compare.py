"""Holds the published rows of kpi_values against the recomputed ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.measure import ALL, KEYS, MEASURES, ROW_SCHEMA, KpiRows

TOLERANCE = 1e-9  # relative to max(1, |value|)
SQL_TYPES = {
    pl.String: "varchar", pl.Date: "date", pl.Float64: "double", pl.Int64: "bigint", pl.Boolean: "boolean"}
NUMBERS = ["numerator", "denominator", "value"]
EXACT = ["sample_size", "is_mature", "is_partial", "is_covered"]
SHOWN = 5
THERE, EMPTY = "_published", "_empty"


class CompareError(Exception):
    """The published file cannot be compared; the message says what is missing."""


@dataclass
class Verdict:
    """One KPI: rows compared, worst relative difference, and a line for each row that differs (the first ones)."""

    kpi_id: str
    compared: int
    worst: float = 0.0
    failures: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether no row differs."""
        return self.failures == 0


class Published:
    """A published DuckDB file, opened once. Raises CompareError when it cannot be read."""

    def __init__(self, database: Path | str, schema: str = "marts") -> None:
        self.database, self.schema = Path(database), schema
        if not self.database.is_file():
            raise CompareError(f"{database}: no such file")

    def kpis(self) -> list[str]:
        """The KPIs that its dim_kpi knows."""
        known = self.query(f'select kpi_id from "{self.schema}".dim_kpi order by kpi_id')
        return known["kpi_id"].to_list()

    def rows(self, kpi_ids: Iterable[str]) -> pl.DataFrame:
        """The rows of kpi_values of these KPIs."""
        columns = ", ".join(f"cast({name} as {SQL_TYPES[kind]}) as {name}" for name, kind in ROW_SCHEMA.items())
        names = ", ".join(f"'{kpi_id}'" for kpi_id in kpi_ids)
        found = self.query(f'select {columns} from "{self.schema}".kpi_values where kpi_id in ({names})')
        return found.cast(ROW_SCHEMA)

    def table(self, name: str) -> pl.DataFrame | None:
        """A table as it is published, None where there is none."""
        try:
            return self.query(f'select * from "{self.schema}"."{name}"')
        except CompareError as error:
            if isinstance(error.__cause__, duckdb.CatalogException):
                return None
            raise

    def query(self, sql: str) -> pl.DataFrame:
        """The rows of a query, instants in UTC."""
        try:
            return pl.from_arrow(self._connection.sql(sql).to_arrow_table())
        except duckdb.Error as error:
            raise CompareError(f"{self.database}: {error}") from error

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self.database), read_only=True)
        connection.execute("set TimeZone = 'UTC'")
        return connection


def compare(rows: KpiRows, published: pl.DataFrame, kpi_ids: Iterable[str]) -> list[Verdict]:
    """A verdict on each of these KPIs, which belong to one family.

    A recomputed row must be published and equal, unless it says of a segment that nothing happened there. A published
    row beyond them must say just that, of a value that some KPI of the family has in that dimension and period; where
    not all of the family was recomputed, of any value. What is not covered says nothing of a segment either.
    """
    kpi_ids = list(kpi_ids)
    key, coded = ["kpi_id", *KEYS], pl.col(pl.String).cast(pl.Categorical)  # numbers join faster than texts
    recomputed, published = rows.frame().with_columns(coded), published.with_columns(coded)
    of_segment = pl.col("dimension") != ALL
    is_whole = rows.wanted >= {k for k, kpi in KPIS.items() if kpi.family == KPIS[kpi_ids[0]].family}
    seen = recomputed.filter(of_segment).select(KEYS).unique().with_columns(is_seen=pl.lit(True))
    published = published.with_columns(is_copy=published.select(key).is_duplicated())
    both = (
        recomputed.filter(pl.col("kpi_id").is_in(kpi_ids))
        .join(published, on=key, how="full", coalesce=True, suffix=THERE)
        .with_columns(
            is_recomputed=pl.col("is_partial").is_not_null(),
            is_published=pl.col(f"is_partial{THERE}").is_not_null(),
        )
        .join(seen, on=KEYS, how="left")
        .join(rows.empty_segments().with_columns(coded), on="kpi_id", how="left", suffix=EMPTY)
    )

    def says_nothing(suffix: str) -> pl.Expr:
        is_empty = (pl.col(f"{name}{suffix}").eq_missing(pl.col(f"{name}{EMPTY}")) for name in MEASURES)
        is_null = (pl.col(f"{name}{suffix}").is_null() for name in MEASURES)
        return pl.all_horizontal(is_empty) | (pl.all_horizontal(is_null) & ~pl.col(f"is_covered{suffix}"))

    is_shared = pl.col("is_recomputed") & pl.col("is_published")
    is_missing = ~pl.col("is_published") & ~(of_segment & says_nothing(""))
    is_extra = ~pl.col("is_recomputed")
    is_unseen = is_extra & (~of_segment | (pl.col("is_seen").is_null() & is_whole))
    problem = (
        pl.when("is_copy").then(pl.lit("published more than once"))
        .when(is_missing).then(pl.lit("not published"))
        .when(is_unseen).then(pl.lit("published, though the segment is never seen"))
        .when(is_extra & ~says_nothing(THERE)).then(pl.lit("published, though nothing happened"))
    )
    for name in NUMBERS:
        problem = problem.when(is_shared & (_difference(name) > TOLERANCE)).then(pl.lit(f"{name} differs"))
    for name in EXACT:
        is_other = pl.col(name).ne_missing(pl.col(f"{name}{THERE}"))
        problem = problem.when(is_shared & is_other).then(pl.lit(f"{name} differs"))
    worst = pl.when(is_shared).then(pl.max_horizontal(_difference(name) for name in NUMBERS)).otherwise(0.0)
    judged = both.with_columns(problem=problem, worst=worst).partition_by("kpi_id", as_dict=True)

    verdicts = []
    for kpi_id in kpi_ids:
        own = judged[(kpi_id,)]
        wrong = own.filter(pl.col("problem").is_not_null()).sort("dimension", *KEYS)
        examples = [_line(row) for row in wrong.head(SHOWN).to_dicts()]
        verdicts.append(Verdict(kpi_id, len(own), own["worst"].max(), len(wrong), examples))
    return verdicts


def _difference(name: str) -> pl.Expr:
    return relative_difference(pl.col(name), pl.col(f"{name}{THERE}"))


def relative_difference(here: pl.Expr, there: pl.Expr, least: float = 1.0) -> pl.Expr:
    """Difference relative to max(least, |value|); infinite when one side is null or no number."""
    difference = (here - there).abs() / pl.max_horizontal(pl.lit(least), here.abs())
    return (
        pl.when(here.is_null() & there.is_null()).then(0.0)
        .when(difference.is_null() | ~difference.is_finite()).then(float("inf"))
        .otherwise(difference)
    )


def _line(row: dict) -> str:
    def side(suffix: str) -> str:
        return ", ".join(f"{name} {row[name + suffix]}" for name in NUMBERS + EXACT)

    where = f"{row['period_grain']} {row['period_start']} {row['dimension']}={row['dimension_value']}"
    here = side("") if row["is_recomputed"] else "no row"
    there = side(THERE) if row["is_published"] else "no row"
    return f"{where}: {row['problem']}\n      recomputed: {here}\n      published:  {there}"
