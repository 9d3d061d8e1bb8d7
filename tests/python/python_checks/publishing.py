"""Publishes what a recomputation expects, as it is or with one thing changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import polars as pl

from python_checks.recompute.compare import Published
from python_checks.sellers.matching import Expected, compare, held


def publish(path: Path, tables: Iterable[Expected]) -> Published:
    """A published file with these tables."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        for expected in tables:
            # as published: instants are UTC without an offset
            frame = expected.frame.with_columns(  # noqa: F841 (named in the query)
                pl.col(pl.Datetime("us", "UTC")).dt.replace_time_zone(None))
            connection.execute(f'create table marts."{expected.table}" as select * from frame')
    return Published(path)


def changed(value: object) -> object:
    """Another value of the same kind; a number a little off."""
    if value is None:
        return None
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value + 1e-4 * max(1.0, abs(value))
    if isinstance(value, dt.date):
        return value + dt.timedelta(days=1)
    return f"{value}!"


def mutations(expected: Expected) -> Iterator[tuple[str, Expected]]:
    """The table with one value changed or lost, a row lost, or a row too many; once for every column."""
    frame = expected.frame.sort(expected.key)
    for column in frame.columns:
        known = frame.with_row_index("_n").filter(pl.col(column).is_not_null())
        if known.is_empty():
            continue
        row, kind = known["_n"][len(known) // 2], frame.schema[column]
        for what, value in (("changed", changed(frame[column][row])), ("lost", None)):
            if column in expected.key and value is None:
                continue
            at = pl.int_range(pl.len()) == row
            other = frame.with_columns(pl.when(at).then(pl.lit(value, kind)).otherwise(column).alias(column))
            yield f"{expected.table}.{column} {what}", Expected(expected.table, expected.key, other)
        unknown = frame.with_row_index("_n").filter(pl.col(column).is_null())
        if len(unknown):
            at = pl.int_range(pl.len()) == unknown["_n"][0]
            other = frame.with_columns(
                pl.when(at).then(pl.lit(frame[column][row], kind)).otherwise(column).alias(column))
            yield f"{expected.table}.{column} made up", Expected(expected.table, expected.key, other)
    yield f"{expected.table} without a row", Expected(expected.table, expected.key, frame.slice(1))
    twice = pl.concat([frame, frame.head(1)])
    yield f"{expected.table} with a row twice", Expected(expected.table, expected.key, twice)


def not_found(tables: Iterable[Expected]) -> list[str]:
    """The mutations of these tables that the comparing does not find."""
    return [
        name for expected in tables for name, other in mutations(expected)
        if compare(expected, held(other.frame)).passed]
