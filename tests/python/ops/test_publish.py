"""Publishing: whole releases only, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import duckdb
import pytest

from ops.project import duckdb_config
from ops.publish import RELEASES_KEPT, PublishError, publish, releases

ROOT = Path(__file__).resolve().parents[3]
FACTS = {"code_version": "1.2.3", "tests_passed": 7}


def model(name: str, **columns: str) -> dict:
    return {
        "resource_type": "model",
        "name": name,
        "alias": name,
        "original_file_path": f"models/marts/core/{name}.sql",
        "description": f"One row per {name}; it's a test.",
        "columns": {
            column: {"name": column, "data_type": kind, "description": f"The {column}."}
            for column, kind in columns.items()
        },
    }


MANIFEST = {
    "nodes": {
        node["name"]: node
        for node in [
            model("orders", order_id="bigint", build="bigint"),
            model("lines", order_id="bigint", build="bigint"),
            model("release_info", run_id="string", code_version="string", tests_passed="bigint"),
            {**model("stg_orders"), "original_file_path": "models/staging/native/stg_orders.sql"},
        ]
    }
}


def make_build(path: Path, number: int, rows: int = 50_000) -> Path:
    """A build file whose two tables carry the build's number in every row; stale tables lie beside them."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; create schema staging")
        connection.execute("create table staging.stg_orders as select 1 as a")
        for table in ("orders", "lines", "dropped_model"):
            connection.execute(
                f"create table marts.{table} as select i as order_id, {number}::bigint as build from range({rows}) t(i)"
            )
        connection.execute(
            f"create table marts.release_info as "
            f"select 'run {number}' as run_id, null::varchar as code_version, null::bigint as tests_passed"
        )
    return path


def builds_in(release: Path) -> set[tuple]:
    with duckdb.connect(str(release), read_only=True) as connection:
        return set(
            connection.execute(
                "select build from marts.orders union select build from marts.lines "
                "union select cast(split_part(run_id, ' ', 2) as bigint) from marts.release_info"
            ).fetchall()
        )


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return make_build(tmp_path / "warehouse.duckdb", 1)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "published" / "marketplace.duckdb"


def test_a_release_holds_the_published_models_and_nothing_else(build: Path, target: Path) -> None:
    assert publish(build, target, MANIFEST, FACTS) == {"lines": 50_000, "orders": 50_000, "release_info": 1}
    with duckdb.connect(str(target), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name, comment from duckdb_tables() order by 2")
        assert tables.fetchall() == [
            ("marts", "lines", "One row per lines; it's a test."),
            ("marts", "orders", "One row per orders; it's a test."),
            ("marts", "release_info", "One row per release_info; it's a test."),
        ]
        comments = connection.execute("select distinct comment from duckdb_columns() where column_name = 'build'")
        assert comments.fetchall() == [("The build.",)]
        info = connection.execute("select run_id, code_version, tests_passed from marts.release_info").fetchall()
        assert info == [("run 1", "1.2.3", 7)]
        (version,) = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'marketplace'"
        ).fetchone()
        assert version.startswith("v1.4.0")
    assert sorted(path.name for path in target.parent.iterdir()) == ["marketplace.duckdb"]


def test_publishing_keeps_to_the_memory_limit(
    build: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda *a, **b: asked.append(b.get("config")) or connect(*a, **b))
    publish(build, target, MANIFEST, FACTS, 2**30)
    assert asked == [duckdb_config(2**30, build.with_name("warehouse.duckdb.tmp"))]


def test_going_back_is_one_rename(build: Path, target: Path) -> None:
    for number in range(1, RELEASES_KEPT + 4):
        publish(make_build(build, number), target, MANIFEST, FACTS)
    latest = RELEASES_KEPT + 3
    kept = releases(target)
    assert [builds_in(path) for path in kept] == [{(latest - back,)} for back in range(1, RELEASES_KEPT + 1)]
    kept[0].rename(target)
    assert builds_in(target) == {(latest - 1,)}
    publish(make_build(build, 99), target, MANIFEST, FACTS)
    assert builds_in(target) == {(99,)}
    assert builds_in(releases(target)[0]) == {(latest - 1,)}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_missing_table_leaves_the_release_byte_for_byte(build: Path, target: Path) -> None:
    publish(build, target, MANIFEST, FACTS)
    before = snapshot(target.parent)
    with duckdb.connect(str(make_build(build, 2))) as connection:
        connection.execute("drop table marts.lines")
    with pytest.raises(PublishError, match="lacks 1 published tables: lines"):
        publish(build, target, MANIFEST, FACTS)
    assert snapshot(target.parent) == before


def test_a_full_disk_leaves_the_release_byte_for_byte(build: Path, target: Path) -> None:
    publish(build, target, MANIFEST, FACTS)
    before = snapshot(target.parent)
    make_build(build, 2)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(PublishError, match="was not published"):
            publish(build, target, MANIFEST, FACTS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert snapshot(target.parent) == before


def test_a_published_file_open_for_writing_is_left_alone(build: Path, target: Path) -> None:
    publish(build, target, MANIFEST, FACTS)
    log = target.with_name("marketplace.duckdb.wal")
    log.write_bytes(b"changes of another program")
    before = snapshot(target.parent)
    with pytest.raises(PublishError, match="has opened"):
        publish(build, target, MANIFEST, FACTS)
    assert snapshot(target.parent) == before


def test_a_file_named_like_its_schema_is_refused(build: Path, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="ambiguous"):
        publish(build, tmp_path / "marts.duckdb", MANIFEST, FACTS)


PUBLISHER = """
import json, sys
from pathlib import Path
from ops.publish import publish
build, target, manifest, facts = sys.argv[1:]
print("ready", flush=True)
publish(Path(build), Path(target), json.loads(manifest), json.loads(facts))
"""


def test_killed_at_any_moment_the_release_is_the_old_one_or_the_new_one(build: Path, target: Path) -> None:
    publish(build, target, MANIFEST, FACTS)
    make_build(build, 2, rows=400_000)
    arguments = [str(build), str(target), json.dumps(MANIFEST), json.dumps(FACTS)]
    seen = set()
    for moment in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.015 * moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = builds_in(target)
        assert found in ({(1,)}, {(2,)})
        seen |= found
    publish(build, target, MANIFEST, FACTS)
    assert builds_in(target) == {(2,)}
    assert not [path for path in target.parent.iterdir() if path.name.startswith(".")]


READER = textwrap.dedent(
    """
    import sys, duckdb
    from pathlib import Path
    target, stop = sys.argv[1], Path(sys.argv[2])
    queries = 0
    while not stop.exists():
        with duckdb.connect(target, read_only=True) as connection:
            builds = connection.execute(
                "select build, count(*) from (select build from marts.orders union all select build from marts.lines)"
                " group by build"
            ).fetchall()
        assert len(builds) == 1 and builds[0][1] == 100_000, builds
        queries += 1
    print(queries)
    """
)


def test_readers_never_see_an_error_or_two_releases_at_once(build: Path, target: Path, tmp_path: Path) -> None:
    publish(build, target, MANIFEST, FACTS)
    stop = tmp_path / "stop"
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(target), str(stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        for _ in range(2)
    ]
    held = duckdb.connect(str(target), read_only=True)
    for number in range(2, 22):
        publish(make_build(build, number), target, MANIFEST, FACTS)
    assert held.execute("select distinct build from marts.orders").fetchall() == [(1,)]
    held.close()
    stop.touch()
    for reader in readers:
        output, errors = reader.communicate(timeout=60)
        assert reader.returncode == 0, errors
        assert int(output) > 20
