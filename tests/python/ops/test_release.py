"""The sample from end to end: what is published, and that a fault anywhere leaves the release as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ops.build import _stands, build_digest
from ops.project import QUIET, ROOT, Settings, models, read_artifact


def run_build(settings: Settings, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.build", *arguments],
        cwd=ROOT, env={**settings.environment, **environment}, capture_output=True, text=True, check=False,
    )


def told(settings: Settings) -> dict:
    return json.loads((settings.warehouse.parent / "last_build.json").read_text())


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


def test_the_last_build_is_told_as_data(sample_release: Settings) -> None:
    facts = told(sample_release)
    assert (facts["result"], facts["exit_code"], facts["reason"]) == ("published", 0, "")
    with duckdb.connect(str(sample_release.published), read_only=True) as connection:
        run, as_of = connection.execute("select run_id, cast(as_of as varchar) from marts.release_info").fetchone()
        audit = connection.execute(
            "select table_name, file_name, rows_read, rows_loaded, rows_rejected, rows_superseded from marts.load_audit"
        ).fetchall()
        rejected = dict(
            connection.execute("select table_name, count(*) from marts.rejected_rows group by all").fetchall()
        )
        valueless = connection.execute("select kpi_id from marts.dim_kpi where not has_data").fetchall()
    assert facts["release"] == {"path": str(sample_release.published), "run_id": run, "as_of": as_of}
    assert sorted(tuple(file.values()) for file in facts["files"]) == sorted(audit)
    assert {table: sum(why["rows"] for why in reasons) for table, reasons in facts["reasons"].items()} == rejected
    assert {kpi["kpi_id"] for kpi in facts["kpis_without_value"]} == {kpi for (kpi,) in valueless}
    steps = {step["step"]: step for step in facts["steps"]}
    assert set(steps) == {"land", "dbt build", "expectations", "recomputation", "rows_read", "conventions", "publish"}
    assert all(step["peak_memory"] <= facts["settings"]["memory_limit"] for step in steps.values())
    assert not list(sample_release.warehouse.parent.glob("*.tmp"))


def test_nothing_new_is_not_built_again(copy_of_sample: Settings, sample_release: Settings) -> None:
    before = contents(copy_of_sample.published.parent)
    done = run_build(copy_of_sample)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing new" in done.stdout
    assert contents(copy_of_sample.published.parent) == before
    now, then = told(copy_of_sample), told(sample_release)
    assert [step["step"] for step in now["steps"]] == ["land"]
    same = ("result", "files", "reasons", "repeated_keys", "left_out", "kpis_without_value", "feeds_in_part", "checks")
    assert {name: now[name] for name in same} == {name: then[name] for name in same}
    assert now["release"]["run_id"] == then["release"]["run_id"]


def test_a_build_file_of_another_run_is_built_anew(copy_of_sample: Settings) -> None:
    digest = build_digest(copy_of_sample)
    assert _stands(copy_of_sample, digest)
    assert not _stands(copy_of_sample, digest[::-1])
    for as_of, stands in (("2026-01-08", True), ("2026-01-09", False)):
        with duckdb.connect(str(copy_of_sample.published)) as connection:  # built in Paris on the 9th
            connection.execute(
                f"update marts.release_info set as_of = '{as_of}', built_at = timestamp '2026-01-08 23:30:00'")
        assert _stands(copy_of_sample, digest) is stands
    with duckdb.connect(str(copy_of_sample.published)) as connection:
        connection.execute("update marts.release_info set as_of = '2026-01-08'")
    assert _stands(copy_of_sample, digest)
    with duckdb.connect(str(copy_of_sample.warehouse)) as connection:
        connection.execute("update marts.release_info set run_id = 'another'")
    assert not _stands(copy_of_sample, digest)
    copy_of_sample.warehouse.unlink()
    assert not _stands(copy_of_sample, digest)


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
    assert done.returncode == 2
    assert told(copy_of_sample)["result"] == "failed"
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
    assert done.stderr.startswith("REFUSED: The extracts cannot be loaded:")
    assert "the required table order_lines is missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert told(copy_of_sample)["result"] == "refused"
    assert told(copy_of_sample)["release"] is None
    assert contents(copy_of_sample.published.parent) == before


def test_too_many_rejected_rows_leave_the_release_as_it_was(copy_of_sample: Settings) -> None:
    before = contents(copy_of_sample.published.parent)
    with duckdb.connect(str(copy_of_sample.warehouse)) as connection:
        connection.execute(
            """
            insert into marts.rejected_rows
                (table_name, file_name, row_number, reason, column_name, row_content, loaded_at)
            select
                'customers', 'customers.csv', i + 2, 'not an ISO 8601 time', 'created_at',
                '{"customer_id": "x", "created_at": "31/12/2026"}', loaded_at
            from marts.load_audit cross join range(rows_read // 10) as r (i) where table_name = 'customers'
            """
        )
        connection.execute(
            "update marts.load_audit set rows_rejected = rows_rejected + rows_read // 10,"
            " rows_loaded = rows_loaded - rows_read // 10 where table_name = 'customers'"
        )
    done = run_build(copy_of_sample, "--built")
    assert done.returncode == 1
    assert "rows of customers (10" in done.stderr
    assert "created_at: not an ISO 8601 time, such as '31/12/2026' in customers.csv, row 2" in done.stderr
    assert "make build MAX_REJECTED_SHARE=0.11\n" in done.stderr
    assert told(copy_of_sample)["reasons"]["customers"][0]["column"] == "created_at"
    assert contents(copy_of_sample.published.parent) == before


CUSTOMERS = "customer_id,created_at\nc1,2026-01-01T10:00:00Z\n"
ORDERS = "order_id,customer_id,ordered_at,paid_at,currency\no1,c1,2026-01-02T10:00:00Z,{},{}\n"
PAID = "2026-01-02T10:01:00Z"
LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price\n"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the small markets are built: one target folder, so that dbt reads the project once."""
    return tmp_path_factory.mktemp("markets")


@pytest.mark.parametrize(
    ("paid_at", "currency", "prices", "message"),
    [
        (
            PAID, "EUR",
            ['"9,99"'] * 5 + ["10"],
            "5 of 6 rows of order_lines (83.3%) were rejected, more than 5.0%:\n"
            "    5 x unit_price: not a number with at most 4 decimals, such as '9,99' in order_lines.csv, row 2\n"
            "Put the extracts right, or accept knowingly that these rows count nowhere:"
            " make build MAX_REJECTED_SHARE=0.84\n",
        ),
        (
            PAID, "USD",
            ['"9,99"', "10"],
            "1 of 2 rows of order_lines (50.0%) were rejected, more than 5.0%:\n"
            "    1 x unit_price: not a number with at most 4 decimals, such as '9,99' in order_lines.csv, row 2\n"
            "Put the extracts right, or accept knowingly that these rows count nowhere:"
            " make build MAX_REJECTED_SHARE=0.5\n"
            "Whatever share is accepted, this stops the build too:\n"
            "No exchange rate for USD on 2026-01-02 or the 7 days before\n",
        ),
        (
            PAID, "EUR", ["free"] * 3,
            "Nothing is left of the required table order_lines: all its rows were rejected (3):\n"
            "    3 x unit_price: not a number with at most 4 decimals, such as 'free' in order_lines.csv, row 2\n",
        ),
        (
            "", "EUR", ["10"],
            "No order is paid by 2026-01-02: no row of orders that is no test has an ordered_at and a paid_at up to"
            " then, so there is nothing to measure\n",
        ),
        (PAID, "USD", ["10"], "No exchange rate for USD on 2026-01-02 or the 7 days before\n"),
    ],
)
def test_data_that_cannot_make_a_release_are_refused_with_their_reason(
    work: Path, tmp_path: Path, paid_at: str, currency: str, prices: list[str], message: str
) -> None:
    extracts = tmp_path / "extracts"
    extracts.mkdir()
    lines = "".join(f"l{number},o1,s1,p1,1,{price}\n" for number, price in enumerate(prices))
    for table, text in {
        "customers": CUSTOMERS, "sellers": "seller_id\ns1\n", "products": "product_id\np1\n",
        "orders": ORDERS.format(paid_at, currency), "order_lines": LINES + lines,
    }.items():
        (extracts / f"{table}.csv").write_text(text)
    settings = Settings.from_environment({
        "PATH": os.environ["PATH"], "EXTRACTS_DIR": str(extracts), "LANDING_DIR": str(work / "landing"),
        "WAREHOUSE_DB": str(work / "build" / "warehouse.duckdb"), "DBT_TARGET_PATH": str(work / "target"),
        "PUBLISHED_DB": str(work / "published" / "marketplace.duckdb"), "PII_KEY": "a key for tests", **QUIET,
    })
    done = run_build(settings)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr == f"REFUSED: {message}Nothing was published.\n"
    assert told(settings)["reason"] == f"{message}Nothing was published."
    assert not settings.published.exists()


def test_a_build_stopped_while_dbt_runs_leaves_the_release_as_it_was(copy_of_sample: Settings) -> None:
    before = contents(copy_of_sample.published.parent)
    build = subprocess.Popen(
        [sys.executable, "-m", "ops.build", "--with-unit-tests"], cwd=ROOT, env=copy_of_sample.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    while "Concurrency" not in build.stdout.readline():
        assert build.poll() is None
    build.send_signal(signal.SIGTERM)
    _, errors = build.communicate(timeout=30)
    assert build.returncode == 2
    assert errors.startswith("FAILED: Stopped from outside")
    assert told(copy_of_sample)["result"] == "failed"
    for command in Path("/proc").glob("[0-9]*/environ"):
        try:
            assert str(copy_of_sample.warehouse) not in command.read_text(errors="replace")
        except OSError:  # it ended meanwhile
            continue
    assert contents(copy_of_sample.published.parent) == before


def test_publishing_again_replaces_the_release_and_keeps_the_one_before(copy_of_sample: Settings) -> None:
    before = copy_of_sample.published.read_bytes()
    done = run_build(copy_of_sample, "--built")
    assert done.returncode == 0, done.stdout + done.stderr
    (kept,) = copy_of_sample.published.parent.glob("marketplace.*Z.duckdb")
    assert kept.read_bytes() == before
    assert copy_of_sample.published.read_bytes() != before
