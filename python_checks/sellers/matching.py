"""Holds every row and column of a published table against its recomputation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from python_checks.recompute.compare import SHOWN, TOLERANCE, CompareError, Published, Verdict, relative_difference

THERE = "_published"
SQL = {pl.String: "cast({} as varchar)", pl.Date: "cast({} as date)", pl.Boolean: "cast({} as boolean)"}


@dataclass(frozen=True)
class Expected:
    """What a table must say: its key, and a frame of the key and every column that is compared.

    Floating-point columns may differ by 1e-9 relative to max(1, |value|). A column named in `allowed` may differ by
    what the expression gives for the row; it may name the key and the column, which is the recomputed value.
    """

    table: str
    key: tuple[str, ...]
    frame: pl.DataFrame
    allowed: Mapping[str, pl.Expr] = field(default_factory=dict)


def read_published(published: Published, table: str, schema: pl.Schema) -> pl.DataFrame:
    """These columns of a published table, as the types of `schema`; instants as microseconds since 1970, whole numbers
    as floating point (a fraction where none belongs must show). Raises CompareError when there is no such column."""
    columns = []
    for name, kind in schema.items():
        if kind in SQL:
            columns.append(SQL[kind].format(f'"{name}"') + f' as "{name}"')
        elif isinstance(kind, pl.Datetime):
            columns.append(f'cast(epoch_us("{name}") as double) as "{name}"')
        else:
            columns.append(f'cast("{name}" as double) as "{name}"')
    found = published.query(f'select {", ".join(columns)} from "{published.schema}"."{table}"')
    return found.cast({name: _held(kind) for name, kind in schema.items()})


def _held(kind: pl.DataType) -> pl.DataType:
    return kind if kind in SQL else pl.Float64()


def match(expected: Expected, published: Published) -> Verdict:
    """The verdict on a table: rows missing, rows too many, rows published twice and values that differ."""
    size = len(expected.frame)
    try:
        there = read_published(published, expected.table, expected.frame.schema)
    except CompareError as error:
        message = str(error).splitlines()[0]
        return Verdict(expected.table, size, float("inf"), max(1, size), [f"not to be read: {message}"])
    return compare(expected, there)


def held(frame: pl.DataFrame) -> pl.DataFrame:
    """A recomputed frame as `read_published` would read it."""
    return frame.with_columns(
        pl.col(name).dt.epoch("us").cast(pl.Float64) if isinstance(kind, pl.Datetime)
        else pl.col(name).cast(_held(kind)) for name, kind in frame.schema.items())


def compare(expected: Expected, there: pl.DataFrame) -> Verdict:
    """The verdict on the rows of a table, as `read_published` reads them."""
    frame, key = expected.frame, list(expected.key)
    here = held(frame)
    if here.select(key).is_duplicated().any():
        raise AssertionError(f"{expected.table}: the recomputation has a key twice")

    copies = there.group_by(key).len("_copies")
    both = here.with_columns(_here=pl.lit(True)).join(
        there.unique(key, keep="first", maintain_order=True).with_columns(_there=pl.lit(True)),
        on=key, how="full", coalesce=True, nulls_equal=True, suffix=THERE,
    ).join(copies, on=key, how="left", nulls_equal=True)
    shared = pl.col("_here").fill_null(False) & pl.col("_there").fill_null(False)
    wrong, sizes = {}, []
    for name, kind in frame.schema.items():
        if name in key:
            continue
        mine, theirs = pl.col(name), pl.col(f"{name}{THERE}")
        if kind == pl.Float64:
            gap = relative_difference(mine, theirs)
            is_off = gap > TOLERANCE
            if name in expected.allowed:
                is_off = gap.is_infinite() | ((mine - theirs).abs() > expected.allowed[name])
            wrong[name] = shared & is_off.fill_null(False)
            sizes.append(pl.when(shared).then(gap).otherwise(0.0))
        else:
            wrong[name] = shared & mine.ne_missing(theirs)
    problem = (
        pl.when(pl.col("_copies") > 1).then(pl.lit("published more than once"))
        .when(pl.col("_there").is_null()).then(pl.lit("not published"))
        .when(pl.col("_here").is_null()).then(pl.lit("published, though there is no such row"))
    )
    for name, condition in wrong.items():
        problem = problem.when(condition).then(pl.lit(f"{name} differs"))
    judged = both.with_columns(
        _problem=problem, _worst=pl.max_horizontal(sizes) if sizes else pl.lit(0.0),
        **{f"_wrong_{name}": condition for name, condition in wrong.items()})
    failures = judged.filter(pl.col("_problem").is_not_null()).sort(key)
    examples = [_line(row, key, list(wrong)) for row in failures.head(SHOWN).to_dicts()]
    worst = judged["_worst"].max() if len(judged) else 0.0
    return Verdict(expected.table, len(judged), worst or 0.0, len(failures), examples)


def _line(row: dict, key: list[str], columns: list[str]) -> str:
    where = ", ".join(f"{name} {row[name]}" for name in key)
    if row["_here"] is None or row["_there"] is None:
        side = "" if row["_here"] else THERE
        told = ", ".join(f"{name} {row[name + side]}" for name in columns)
        return f"{where}: {row['_problem']}: {told}"
    told = ", ".join(
        f"{name}: recomputed {row[name]}, published {row[name + THERE]}" for name in columns if row[f"_wrong_{name}"])
    return f"{where}: {row['_problem']}; {told}"
