"""The sample from end to end: what is published, and that a fault anywhere leaves the release as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb

from ops.project import ROOT, Settings, models, read_artifact


def run_build(settings: Settings, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.build", *arguments],
        cwd=ROOT, env={**settings.environment, **environment}, capture_output=True, text=True, check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_release_holds_every_published_model_and_tells_what_it_is(sample_release: Settings) -> None:
    manifest = read_artifact(sample_release.target, "manifest.json")
    with duckdb.connect(str(sample_release.published), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        assert {name for (name,) in tables} == {model["name"] for model in models(manifest, "marts")}
        bare = connection.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'marts' and comment is null"
        ).fetchall()
        assert bare == []
        connection.execute("select * from marts.release_info")
        (row,) = connection.fetchall()
        info = dict(zip([column[0] for column in connection.description], row, strict=True))
        read = connection.execute("select sum(rows_read)::bigint from marts.load_audit").fetchone()
    assert (info["rows_read"],) == read
    delivered = [path for path in sample_release.extracts.rglob("*.*") if path.suffix in (".csv", ".parquet")]
    assert info["input_files"] == len(delivered)
    assert info["input_bytes"] == sum(path.stat().st_size for path in delivered)
    assert info["tests_passed"] > 0
    assert set(json.loads(info["checks"])) == {"conventions", "expectations", "recomputation", "rows_read"}
    assert info["reporting_currency"] == "EUR"
    assert None not in info.values()


FAULTS = {
    "recomputation": "update marts.kpi_values set value = value * 1.001 where kpi_id = 'aov'",
    "expectations": "update marts.kpi_values set value = -1 where kpi_id = 'cancellation_rate'",
    "rows_read": "update marts.load_audit set rows_read = rows_read + 1, rows_loaded = rows_loaded + 1",
}


def test_a_wrong_number_is_never_published(copy_of_sample: Settings) -> None:
    before = contents(copy_of_sample.published.parent)
    with duckdb.connect(str(copy_of_sample.warehouse)) as connection:
        for fault in FAULTS.values():
            connection.execute(fault)
    done = run_build(copy_of_sample, "--built")
    assert done.returncode == 1
    for check in FAULTS:
        assert f"{check} FAILED" in done.stdout
    assert "conventions passed" in done.stdout
    assert "Nothing was published" in done.stderr
    assert contents(copy_of_sample.published.parent) == before


def test_a_required_table_that_is_missing_leaves_the_release_as_it_was(
    copy_of_sample: Settings, tmp_path: Path
) -> None:
    before = contents(copy_of_sample.published.parent)
    (tmp_path / "extracts").mkdir()
    for path in copy_of_sample.extracts.iterdir():
        if path.name.partition(".")[0] != "order_lines":
            (tmp_path / "extracts" / path.name).symlink_to(path)
    done = run_build(copy_of_sample, EXTRACTS_DIR=str(tmp_path / "extracts"))
    assert done.returncode == 1
    assert "order_lines" in done.stdout
    assert "dbt build failed" in done.stderr
    assert contents(copy_of_sample.published.parent) == before


def test_publishing_again_replaces_the_release_and_keeps_the_one_before(copy_of_sample: Settings) -> None:
    before = copy_of_sample.published.read_bytes()
    done = run_build(copy_of_sample, "--built")
    assert done.returncode == 0, done.stdout + done.stderr
    (kept,) = copy_of_sample.published.parent.glob("marketplace.*Z.duckdb")
    assert kept.read_bytes() == before
    assert copy_of_sample.published.read_bytes() != before
