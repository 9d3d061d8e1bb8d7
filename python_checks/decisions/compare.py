"""Holds a published table against the recomputed one, every row and column."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from python_checks.recompute.compare import SHOWN, TOLERANCE, Verdict, relative_difference

HERE, THERE = "_here", "_there"
CHANCE = 1e-6  # of probabilities, relative to themselves: what the contract asks of statistics in SQL, in the tail too
TINY = 1e-300
Judge = tuple[list[str], Callable[..., bool]]  # names of columns, and whether their values in a row are right


def compare_table(
    name: str, expected: pl.DataFrame, published: pl.DataFrame | None, key: list[str],
    chances: tuple[str, ...] = (), judged: dict[str, Judge] | None = None,
) -> Verdict:
    """The verdict on a table. Its columns are those of `expected`; `chances` are the probabilities among them.

    `judged` are columns of which no text is expected: each says by which columns it is judged (what was expected of
    one has its name + `_here`), and how.
    """
    judged = judged or {}
    if published is None:
        return Verdict(name, 0, failures=1, examples=["no such table"])
    lacking = [column for column in [*expected.columns, *judged] if column not in published.columns]
    if lacking:
        return Verdict(name, 0, failures=1, examples=[f"no column {', '.join(lacking)}"])
    schema = dict(expected.schema)
    there = published.select(
        *(pl.col(column).cast(kind) for column, kind in schema.items()),
        *(pl.col(column) for column in judged))
    there = there.with_columns(is_copy=there.select(key).is_duplicated(), is_there=pl.lit(True))
    others = [column for column in schema if column not in key]
    both = (
        expected.rename({column: column + HERE for column in others}).with_columns(is_here=pl.lit(True))
        .join(
            there.rename({column: column + THERE for column in others}),
            on=key, how="full", coalesce=True, nulls_equal=True)
        .with_columns(pl.col("is_here", "is_there").fill_null(False)))
    shared = pl.col("is_here") & pl.col("is_there")
    problem = (
        pl.when("is_copy").then(pl.lit("published more than once"))
        .when(~pl.col("is_there")).then(pl.lit("not published"))
        .when(~pl.col("is_here")).then(pl.lit("published, though not to be"))
    )
    worst = [pl.lit(0.0)]
    for column in others:
        if schema[column] == pl.Float64:
            least, limit = (TINY, CHANCE) if column in chances else (1.0, TOLERANCE)
            difference = relative_difference(pl.col(column + HERE), pl.col(column + THERE), least)
            worst.append(difference)
            wrong = difference > limit
        else:
            wrong = pl.col(column + HERE).ne_missing(pl.col(column + THERE))
        problem = problem.when(shared & wrong).then(pl.lit(f"{column} differs"))
    both = both.with_columns(
        problem=problem, worst=pl.when(shared).then(pl.max_horizontal(worst)).otherwise(0.0))
    for column, (names, is_right) in judged.items():
        rows = both.select("problem", *names).iter_rows()
        problems = [problem or (None if is_right(*row) else f"{column} is wrong") for problem, *row in rows]
        both = both.with_columns(problem=pl.Series(problems, dtype=pl.String))
    wrong = both.filter(pl.col("problem").is_not_null()).sort(key, nulls_last=True)
    examples = [_line(row, key, others, judged) for row in wrong.head(SHOWN).iter_rows(named=True)]
    return Verdict(name, len(both), both["worst"].max() or 0.0, len(wrong), examples)


def _line(row: dict, key: list[str], others: list[str], judged: dict[str, Judge]) -> str:
    where = " ".join(str(row[column]) for column in key)
    if row["is_here"] and row["is_there"]:
        differing = [
            column for column in others
            if row[column + HERE] != row[column + THERE] and not _near(row[column + HERE], row[column + THERE])]
        told = [f"{column} {row[column + HERE]} | {row[column + THERE]}" for column in differing]
        told += [f"{column} {row[column]}" for column in judged if str(row["problem"]).startswith(f"{column} ")]
        return f"{where}: {row['problem']}\n      recomputed | published: {'; '.join(told)}"
    side = HERE if row["is_here"] else THERE
    told = "; ".join(f"{column} {row[column + side]}" for column in others if row[column + side] is not None)
    return f"{where}: {row['problem']}\n      {told}"


def _near(here: object, there: object) -> bool:
    if not isinstance(here, float) or not isinstance(there, float):
        return False
    return abs(here - there) <= TOLERANCE * max(1.0, abs(here))
