"""Looks for a person by its identifiers in everything that a build has written: releases, build file, landing folder.

    python -m ops.find_person customer-4711 ann@example.org

Each identifier is looked for as it is and as the keyed hash that the release has of it (PII_KEY). Views of the build
file are left out, for they hold nothing of their own. Exit codes: 0 not found, 1 found, each place told, 3 wrong use.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

from ops.project import ProjectError, Settings, sql_name, sql_text
from ops.publish import releases

SAMPLE_KEY = "marketplace-kpis-sample"  # as macro default_pii_key has it


def find(settings: Settings, identifiers: list[str]) -> Iterator[str]:
    """Every place that holds one of the identifiers or its hash, in words; nothing where the person is not known."""
    key = settings.environment.get("PII_KEY", SAMPLE_KEY)
    texts = [form for text in identifiers for form in (text, hashlib.sha256((key + text).encode()).hexdigest())]
    pattern = f"(^|[^A-Za-z0-9])({'|'.join(map(re.escape, texts))})([^A-Za-z0-9]|$)"
    for path in (settings.published, *releases(settings.published), settings.warehouse):
        if path.is_file():
            yield from _in_database(path, pattern)
    for path in sorted(settings.landing.glob("*/*.parquet")):
        with duckdb.connect() as connection:
            yield from _in_table(connection, f"read_parquet({sql_text(path)})", pattern, str(path))
    for path in (settings.warehouse.parent / "last_build.json", settings.warehouse.parent / "quality" / "index.html"):
        if path.is_file() and re.search(pattern, path.read_text(encoding="utf-8")):
            yield str(path)


def _in_database(path: Path, pattern: str) -> Iterator[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        for schema, table in tables:
            place = f"{sql_name(schema)}.{sql_name(table)}"
            yield from _in_table(connection, place, pattern, f"{path}: {schema}.{table}")


def _in_table(connection: duckdb.DuckDBPyConnection, table: str, pattern: str, named: str) -> Iterator[str]:
    described = connection.execute(f"describe from {table}").fetchall()
    columns = [name for name, kind, *_ in described if kind == "VARCHAR"]
    if not columns:
        return
    counts = ", ".join(f"count(*) filter (regexp_matches({sql_name(name)}, $pattern))" for name in columns)
    found = connection.execute(f"select {counts} from {table}", {"pattern": pattern}).fetchone()
    for name, count in zip(columns, found, strict=True):
        if count:
            yield f"{named}.{name}: {count} rows"


def main(arguments: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """Print where the person is found."""
    parser = argparse.ArgumentParser(prog="python -m ops.find_person", description=__doc__.splitlines()[0])
    parser.add_argument("identifiers", nargs="+", metavar="IDENTIFIER", help="customer id, e-mail address, ...")
    asked = parser.parse_args(arguments)
    is_found = False
    for place in find(Settings.from_environment(environment), asked.identifiers):
        print(place)
        is_found = True
    if not is_found:
        print("Not found.")
    return int(is_found)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ProjectError, duckdb.Error) as error:
        print(error, file=sys.stderr)
        sys.exit(3)
