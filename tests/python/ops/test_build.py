"""What a build is asked for, and when its result may be published."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ops import build as build_module
from ops.build import code_version, count_tests, release_facts
from ops.project import ROOT, ProjectError, Settings


def settings(tmp_path: Path, **environment: str) -> Settings:
    (tmp_path / "extracts").mkdir(exist_ok=True)
    return Settings.from_environment(
        {
            "EXTRACTS_DIR": str(tmp_path / "extracts"),
            "WAREHOUSE_DB": str(tmp_path / "build" / "warehouse.duckdb"),
            "PUBLISHED_DB": str(tmp_path / "published" / "marketplace.duckdb"),
            "DBT_TARGET_PATH": str(tmp_path / "target"),
            **environment,
        }
    )


def test_relative_paths_count_from_the_projects_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = Settings.from_environment({"EXTRACTS_DIR": "extracts", "PUBLISHED_DB": "out/kpis.duckdb", "AS_OF": ""})
    assert found.extracts == ROOT / "extracts"
    assert found.published == ROOT / "out" / "kpis.duckdb"
    assert found.warehouse == ROOT / "build" / "warehouse.duckdb"
    assert found.environment["PUBLISHED_DB"] == str(ROOT / "out" / "kpis.duckdb")
    assert "AS_OF" not in found.environment
    assert found.environment["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("EXTRACTS_DIR", "no/such/folder", "EXTRACTS_DIR: .*no/such/folder is not a folder"),
        ("AS_OF", "30/11/2026", "AS_OF: '30/11/2026' is not a day"),
        ("AS_OF", "20261130", "AS_OF: '20261130' is not a day"),
        ("BUSINESS_TIMEZONE", "Europe/Atlantis", "BUSINESS_TIMEZONE: 'Europe/Atlantis' is not a known time zone"),
        ("REPORTING_CURRENCY", "euro", "REPORTING_CURRENCY: 'euro' is not three capital letters"),
        ("PUBLISHED_DB", "build/warehouse.duckdb", "are the same file"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str, message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        Settings.from_environment({name: value})


def node(kind: str, materialized: str = "table") -> dict:
    return {"resource_type": kind, "config": {"materialized": materialized}}


MANIFEST = {
    "nodes": {
        "model.p.fct_orders": node("model"),
        "model.p.inlined": node("model", "ephemeral"),
        "seed.p.rules": node("seed", "seed"),
        "test.p.unique": node("test", "test"),
        "test.p.warns": node("test", "test"),
        "operation.p.hook": node("operation"),
    }
}
RESULTS = {
    "metadata": {"invocation_id": "run-1"},
    "results": [
        {"unique_id": "model.p.fct_orders", "status": "success"},
        {"unique_id": "seed.p.rules", "status": "success"},
        {"unique_id": "test.p.unique", "status": "pass"},
        {"unique_id": "test.p.warns", "status": "warn"},
    ],
}


def test_a_whole_run_is_counted() -> None:
    assert count_tests(MANIFEST, RESULTS) == {"pass": 1, "warn": 1}


@pytest.mark.parametrize("status", ["error", "fail", "skipped"])
@pytest.mark.parametrize("place", range(4))
def test_a_run_with_a_failure_is_refused(place: int, status: str) -> None:
    results = copy.deepcopy(RESULTS)
    results["results"][place]["status"] = status
    with pytest.raises(ProjectError, match=f"1 of 4 nodes, such as .*({status})"):
        count_tests(MANIFEST, results)


@pytest.mark.parametrize("place", range(4))
def test_a_run_of_a_part_is_refused(place: int) -> None:
    results = copy.deepcopy(RESULTS)
    del results["results"][place]
    with pytest.raises(ProjectError, match="not run"):
        count_tests(MANIFEST, results)


@pytest.fixture
def built(tmp_path: Path) -> Settings:
    found = settings(tmp_path)
    found.warehouse.parent.mkdir()
    (tmp_path / "extracts" / "orders.csv").write_text("order_id\n1\n")
    with duckdb.connect(str(found.warehouse)) as connection:
        connection.execute("create schema marts; create table marts.release_info as select 'run-1' as run_id")
        connection.execute(
            "create table marts.load_audit as select 'orders' as table_name, 'orders.csv' as file_name, 1 as rows_read,"
            " 1 as rows_loaded, 0 as rows_rejected, 0 as rows_superseded"
        )
    return found


def test_a_release_tells_where_it_comes_from(built: Settings) -> None:
    facts = release_facts(built, RESULTS, {"pass": 5, "warn": 1}, {"rows_read": "all equal"})
    assert facts["input_bytes"] == 11
    assert (facts["tests_passed"], facts["tests_warned"]) == (5, 1)
    assert facts["checks"] == '{"rows_read": "all equal"}'
    (built.extracts / "orders.csv").write_text("order_id\n10\n")
    again = release_facts(built, RESULTS, {"pass": 5, "warn": 1}, {})
    assert again["input_digest"] != facts["input_digest"]


def test_a_build_of_another_run_is_refused(built: Settings) -> None:
    other = {**RESULTS, "metadata": {"invocation_id": "run-2"}}
    with pytest.raises(ProjectError, match="is of run run-1, the last run of dbt was run-2"):
        release_facts(built, other, {"pass": 1, "warn": 0}, {})


def test_a_failed_check_publishes_nothing(
    built: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = {"sound": ["this"], "unsound": ["antigravity_not_there"]}
    monkeypatch.setattr(build_module, "_check_commands", lambda _: commands)
    with pytest.raises(ProjectError, match=r"^unsound failed"):
        build_module._run_checks(built)
    assert "No module named antigravity_not_there" in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("git"), reason="skipped: no git")
def test_code_version_names_the_commit_and_what_differs_from_it(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: p\nversion: 1.2.3\n")
    assert code_version(tmp_path) == "1.2.3"

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "First")
    assert code_version(tmp_path) == f"1.2.3+{git('rev-parse', '--short', 'HEAD')}"
    (tmp_path / "dbt_project.yml").write_text("name: p\nversion: 1.2.4\n")
    assert code_version(tmp_path).endswith("-dirty")


def test_two_builds_in_one_target_folder_do_not_run_at_once(tmp_path: Path) -> None:
    found = settings(tmp_path)
    found.target.mkdir()
    with build_module._alone(found), pytest.raises(ProjectError, match="Another build is running"), \
            build_module._alone(found):
        pass


def test_the_command_line_says_what_failed_and_exits_1(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops.build"], cwd=ROOT, capture_output=True, text=True,
        env={"EXTRACTS_DIR": str(tmp_path / "gone"), "PATH": ""}, check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("FAILED: EXTRACTS_DIR")
    assert "Traceback" not in done.stderr
