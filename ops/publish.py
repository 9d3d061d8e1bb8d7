"""Writes a release: the published tables of a build, copied into one new DuckDB file that replaces the old one at once.

The new file is written beside the target, checked, flushed to disk and then renamed over it. A reader that opens the
target sees the old release or the new one, whole; whatever goes wrong before the rename leaves the old one untouched.
The releases before it stay in the same folder as `<name>.<time of publishing>.duckdb`: renaming one of them to the
target's name goes back to it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ops.project import CheckFailed, duckdb_config, memory_limit, models, sql_name, sql_text

SCHEMA = "marts"
RELEASES_KEPT = 3
# Drivers of DuckDB 1.4 and later can open a file of this version.
STORAGE_VERSION = "v1.4.0"


class PublishError(CheckFailed):
    """The release was not published, and the one before it is untouched."""


def publish(
    build: Path, target: Path, manifest: Mapping[str, Any], facts: Mapping[str, Any], memory: int | None = None
) -> dict[str, int]:
    """Publish the tables of `build` that belong to the manifest's models under models/marts.

    `facts` are the columns of `release_info` that are known only now: its one row in the build is taken with them put
    in. `memory` is the limit in bytes, by default that of the environment. Returns the rows of each table published.
    Raises PublishError when a table is missing, when the published file is open for writing elsewhere, or when the disk
    cannot hold the release.
    """
    tables = {node["alias"]: node for node in models(manifest, SCHEMA)}
    if target.stem == SCHEMA:
        raise PublishError(f"{target}: a file named like its schema `{SCHEMA}` makes every query on it ambiguous.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(target.parent):
        if _beside(target, ".wal").exists():
            raise PublishError(f"{_beside(target, '.wal')} is there: a program has opened {target} for writing.")
        new = target.with_name(f".{target.name}.new")
        _remove(new)
        try:
            rows = _write(build, new, tables, facts, memory or memory_limit())
            if target.exists():
                shutil.copymode(target, new)
            _flush(new)
            _keep(target)
            new.replace(target)
            _flush(target.parent)
        except (duckdb.Error, OSError) as error:
            raise PublishError(f"{target} was not published: {error}") from error
        finally:
            _remove(new)
        for old in releases(target)[RELEASES_KEPT:]:
            old.unlink()
    return rows


def releases(target: Path) -> list[Path]:
    """The earlier releases kept beside the target, latest first."""
    return sorted(target.parent.glob(f"{target.stem}.*Z{target.suffix}"), reverse=True)


def _write(
    build: Path, new: Path, tables: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any], memory: int
) -> dict[str, int]:
    rows = {}
    with duckdb.connect(config=duckdb_config(memory, _beside(build, ".tmp"))) as connection:
        connection.execute(f"attach {sql_text(build)} as build (read_only)")
        connection.execute(f"attach {sql_text(new)} as release (storage_version '{STORAGE_VERSION}')")
        connection.execute(f"create schema release.{SCHEMA}")
        built = {
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where database_name = 'build' and schema_name = ?", [SCHEMA]
            ).fetchall()
        }
        if missing := sorted(tables.keys() - built):
            raise PublishError(f"{build} lacks {len(missing)} published tables: {', '.join(missing)}.")
        connection.execute("begin")  # one write to disk, not one for each comment
        for name, node in tables.items():
            table = f"{SCHEMA}.{sql_name(name)}"
            known_now = facts if name == "release_info" else {}
            columns = "*"
            if known_now:
                types = {fact: node["columns"][fact]["data_type"] for fact in facts}
                values = (f"cast(? as {types[fact]}) as {sql_name(fact)}" for fact in facts)
                columns = f"* replace ({', '.join(values)})"
            (rows[name],) = connection.execute(
                f"create table release.{table} as select {columns} from build.{table}", list(known_now.values())
            ).fetchone()
            _comment(connection, f"release.{table}", node)
        connection.execute("commit")
        connection.execute("checkpoint release")
        connection.execute("detach release")
        if _beside(new, ".wal").exists():
            raise PublishError(f"{new} was not written to the end: its write-ahead log is still there.")
        connection.execute(f"attach {sql_text(new)} as release (read_only)")
        for name, expected in rows.items():
            table = f"{SCHEMA}.{sql_name(name)}"
            counted = connection.execute(
                f"select (select count(*) from build.{table}), (select count(*) from release.{table})"
            ).fetchone()
            if counted != (expected, expected):
                raise PublishError(f"{name}: {counted[0]} rows in the build, {counted[1]} in the release.")
    return rows


def _comment(connection: duckdb.DuckDBPyConnection, table: str, node: Mapping[str, Any]) -> None:
    """Carry the descriptions of dbt over, so that a BI tool shows them."""
    if node["description"]:
        connection.execute(f"comment on table {table} is {sql_text(node['description'])}")
    for column in node["columns"].values():
        if column["description"]:
            name = sql_name(column["name"])
            connection.execute(f"comment on column {table}.{name} is {sql_text(column['description'])}")


def _keep(target: Path) -> None:
    """Give the release now in force a second name, that of its time of publishing; its first name stays."""
    if not target.exists():
        return
    published = datetime.fromtimestamp(target.stat().st_mtime, UTC)
    kept = target.with_name(f"{target.stem}.{published:%Y-%m-%dT%H-%M-%S.%f}Z{target.suffix}")
    if kept.exists():
        return
    try:
        kept.hardlink_to(target)
    except OSError:  # a file system without hard links
        shutil.copy2(target, kept)
        _flush(kept)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One publisher at a time in a folder; a second one waits."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(new: Path) -> None:
    new.unlink(missing_ok=True)
    _beside(new, ".wal").unlink(missing_ok=True)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
