"""Compares every row of every published table between a DuckDB build and a Spark build of the same landing.

    python -m python_checks.parity --database DB --spark DIR --target DIR

DIR of `--spark` is the warehouse folder of Spark, `--target` dbt's target folder, whose manifest names the published
tables and the key of each. Doubles are equal within 1e-9, relative to max(1, |value|); everything else, amounts too, is
equal or differs. Exit code 1 when a table, a column or a row differs, named with table, column, key and both values.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from ops.project import ProjectError, model_keys, models, read_artifact, sql_name, sql_text

TOLERANCE = 1e-9
NAMED = 5  # rows named per column
# What a build says of itself, and of what it was made with; the rest of release_info is compared.
OF_THE_BUILD = {
    "release_info": {
        "run_id", "built_at", "published_at", "code_version", "dbt_version", "engine_version", "input_bytes",
        "input_digest", "build_digest", "tests_passed", "tests_warned", "checks",
    },
}


def keys(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """The published tables by name, each with the columns of its key; [] for a table without one."""
    known = model_keys(manifest)
    return {node["alias"]: known.get(node["name"], []) for node in models(manifest, "marts")}


def compare(database: Path, spark: Path, keys: Mapping[str, list[str]]) -> tuple[list[str], int]:
    """What differs, in words, and how many rows were compared. Raises ProjectError when a build is not there."""
    if not database.is_file():
        raise ProjectError(f"{database} is not there: build on DuckDB first.")
    if not (spark / "marts.db").is_dir():
        raise ProjectError(f"{spark} holds no schema marts: build on Spark first.")
    told, rows = [], 0
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {sql_text(database)} as build (read_only)")
        for table, key in sorted(keys.items()):
            files = spark / "marts.db" / table
            if not any(files.glob("*.parquet")):
                told.append(f"{table}: not built on Spark")
                continue
            parquet = sql_text(files / "*.parquet")
            connection.execute(f"create or replace temp view theirs as from read_parquet({parquet})")
            connection.execute(f"create or replace temp view ours as from build.marts.{sql_name(table)}")
            told += _differences(connection, table, key)
            rows += connection.execute("select count(*) from ours").fetchone()[0]
    return told, rows


def _differences(connection: duckdb.DuckDBPyConnection, table: str, key: list[str]) -> Iterator[str]:
    ours, theirs = _columns(connection, "ours"), _columns(connection, "theirs")
    if list(ours) != list(theirs):
        yield f"{table}: columns {', '.join(ours)} on DuckDB, {', '.join(theirs)} on Spark"
        return
    if other := [name for name in ours if ours[name] != theirs[name]]:
        yield f"{table}: types differ: " + ", ".join(f"{name} {ours[name]}, {theirs[name]}" for name in other)
        return
    left_out = OF_THE_BUILD.get(table, set())
    compared = {name: kind for name, kind in ours.items() if name not in left_out}
    # without a key, rows are held together by all they hold
    key = key or [name for name, kind in compared.items() if kind != "DOUBLE"]
    by_key, in_order = (", ".join(map(sql_name, names)) for names in (key, compared))
    for side in ("ours", "theirs"):  # rows of the same key, which no table should have, in the order of all they hold
        connection.execute(
            f"create or replace temp table {side}_rows as "
            f"select *, row_number() over (partition by {by_key} order by {in_order}) as _nth "
            f"from (select {', '.join(_as(name, kind) for name, kind in compared.items())} from {side})"
        )
    same_key = " and ".join(
        f"ours.{name} is not distinct from theirs.{name}" for name in map(sql_name, [*key, "_nth"]))
    pairs = f"ours_rows as ours full join theirs_rows as theirs on {same_key}"
    shown = ", ".join(f"coalesce(ours.{sql_name(name)}, theirs.{sql_name(name)})" for name in key)
    for side, other in (("DuckDB", "theirs"), ("Spark", "ours")):
        lone = connection.execute(f"select {shown} from {pairs} where {other}._nth is null order by all").fetchall()
        yield from _named(f"{table}: only on {side}", [f"{_key(key, row)}" for row in lone])
    values = {name: kind for name, kind in compared.items() if name not in key}
    if not values:
        return
    differ = {name: _differ(sql_name(name), kind) for name, kind in values.items()}
    both = f"from {pairs} where ours._nth is not null and theirs._nth is not null"
    counted = ", ".join(f"count_if({test})" for test in differ.values())
    counts = connection.execute(f"select {counted} {both}").fetchone()
    for (name, test), count in zip(differ.items(), counts, strict=True):
        if count:
            column = sql_name(name)
            found = connection.execute(
                f"select ours.{column}, theirs.{column}, {shown} {both} and {test} order by all limit {NAMED}"
            ).fetchall()
            words = [f"{_key(key, row)}: {mine!r} on DuckDB, {other!r} on Spark" for mine, other, *row in found]
            yield from _named(f"{table}.{name}", words, count)


def _columns(connection: duckdb.DuckDBPyConnection, view: str) -> dict[str, str]:
    """Columns of a view with their types. A time of Spark's Parquet says that it is UTC; DuckDB's need not."""
    described = connection.execute(f"describe {view}").fetchall()
    return {name: kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMP") for name, kind, *_ in described}


def _as(name: str, kind: str) -> str:
    return f"cast({sql_name(name)} as timestamp) as {sql_name(name)}" if kind == "TIMESTAMP" else sql_name(name)


def _differ(name: str, kind: str) -> str:
    if kind != "DOUBLE":
        return f"(ours.{name} is distinct from theirs.{name})"
    size = f"greatest(1, abs(ours.{name}), abs(theirs.{name}))"
    is_close = f"abs(ours.{name} - theirs.{name}) <= {TOLERANCE} * {size}"
    are_numbers = f"isfinite(ours.{name}) and isfinite(theirs.{name})"  # to DuckDB nothing is above NaN
    return f"(ours.{name} is distinct from theirs.{name} and not coalesce({are_numbers} and {is_close}, false))"


def _named(where: str, rows: list[str], count: int | None = None) -> Iterator[str]:
    count = count or len(rows)
    yield from (f"{where}: {row}" for row in rows[:NAMED])
    if count > NAMED:
        yield f"{where}: {count:,} rows in all"


def _key(key: list[str], row: Iterator[Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(key, row, strict=True))




def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m python_checks.parity", description=__doc__.splitlines()[0])
    parser.add_argument("--database", type=Path, required=True, help="the DuckDB file of the build")
    parser.add_argument("--spark", type=Path, required=True, help="the warehouse folder of Spark")
    parser.add_argument("--target", type=Path, required=True, help="dbt's target folder, with manifest.json")
    given = parser.parse_args(arguments)
    try:
        tables = keys(read_artifact(given.target, "manifest.json"))
        told, rows = compare(given.database, given.spark, tables)
    except ProjectError as error:
        print(error, file=sys.stderr)
        return 3
    print(*told, sep="\n", end="\n" if told else "")
    if told:
        print(f"{len(told)} differences between DuckDB and Spark")
        return 1
    print(f"{len(tables)} tables, {rows:,} rows: none differs between DuckDB and Spark")
    return 0


if __name__ == "__main__":
    sys.exit(main())
