"""Holds the published rows of kpi_values against the recomputed ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.measure import ALL, KEYS, MEASURES, ROW_SCHEMA, KpiRows

TOLERANCE = 1e-9  # relative to max(1, |value|)
SQL_TYPES = {
    pl.String: "varchar", pl.Date: "date", pl.Float64: "double", pl.Int64: "bigint", pl.Boolean: "boolean"}
NUMBERS = ["numerator", "denominator", "value"]
EXACT = ["sample_size", "is_mature", "is_partial"]
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


def read_published(database: Path | str, schema: str = "marts") -> tuple[pl.DataFrame, list[str]]:
    """The rows of kpi_values of a DuckDB file, and the KPIs its dim_kpi knows. Raises CompareError."""
    if not Path(database).is_file():
        raise CompareError(f"{database}: no such file")
    columns = ", ".join(f"cast({name} as {SQL_TYPES[kind]}) as {name}" for name, kind in ROW_SCHEMA.items())
    with duckdb.connect(str(database), read_only=True) as connection:
        try:
            rows = pl.from_arrow(connection.sql(f'select {columns} from "{schema}".kpi_values').to_arrow_table())
            known = connection.execute(f'select kpi_id from "{schema}".dim_kpi order by kpi_id').fetchall()
        except duckdb.Error as error:
            raise CompareError(f"{database}: {error}") from error
    return rows.cast(ROW_SCHEMA), [kpi_id for (kpi_id,) in known]


def compare(rows: KpiRows, published: pl.DataFrame, kpi_ids: Iterable[str]) -> list[Verdict]:
    """A verdict on each of these KPIs.

    `rows` holds every KPI of their families. A recomputed row must be published and equal, unless it says of a segment
    that nothing happened there. A published row beyond them must say just that, of a value that some KPI of the family
    has in that dimension and period.
    """
    family = pl.col("kpi_id").replace_strict({kpi_id: kpi.family for kpi_id, kpi in KPIS.items()}, default=None)
    recomputed = rows.frame().with_columns(family=family)
    seen = recomputed.filter(pl.col("dimension") != ALL).select("family", *KEYS, is_seen=pl.lit(True)).unique()
    wanted = pl.col("kpi_id").is_in(list(kpi_ids))
    copies = published.group_by("kpi_id", *KEYS).len("copies").filter(pl.col("copies") > 1)
    both = (
        recomputed.filter(wanted)
        .join(published.filter(wanted), on=["kpi_id", *KEYS], how="full", coalesce=True, suffix=THERE)
        .with_columns(
            family=family,
            is_recomputed=pl.col("is_partial").is_not_null(),
            is_published=pl.col(f"is_partial{THERE}").is_not_null(),
        )
        .join(seen, on=["family", *KEYS], how="left")
        .join(copies, on=["kpi_id", *KEYS], how="left")
        .join(rows.empty_segments(), on="kpi_id", how="left", suffix=EMPTY)
    )

    def says_nothing(suffix: str) -> pl.Expr:
        return pl.all_horizontal(pl.col(f"{name}{suffix}").eq_missing(pl.col(f"{name}{EMPTY}")) for name in MEASURES)

    is_shared = pl.col("is_recomputed") & pl.col("is_published")
    is_missing = ~pl.col("is_published") & ~((pl.col("dimension") != ALL) & says_nothing(""))
    is_extra = ~pl.col("is_recomputed")
    problem = (
        pl.when(pl.col("copies").is_not_null()).then(pl.lit("published more than once"))
        .when(is_missing).then(pl.lit("not published"))
        .when(is_extra & pl.col("is_seen").is_null()).then(pl.lit("published, though the segment is never seen"))
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
    """Difference relative to max(1, |value|); infinite when one side is null or no number."""
    here, there = pl.col(name), pl.col(f"{name}{THERE}")
    difference = (here - there).abs() / pl.max_horizontal(pl.lit(1.0), here.abs())
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
