"""What a build is asked for, and when its result may be published."""

from __future__ import annotations

import copy
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ops import build as build_module
from ops import child
from ops.build import DATA_STOP, both_refused, build_digest, code_version, count_tests, dbt_failure, release_facts
from ops.child import Ended
from ops.land import LandingError
from ops.project import (
    ROOT,
    SHARE_FOR_PYTHON,
    CheckFailed,
    DataRefused,
    ProjectError,
    Settings,
    duckdb_config,
    machine_memory,
    memory_limit,
    open_build,
)
from ops.publish import PublishError
from ops.report import Report


def settings(tmp_path: Path, **environment: str) -> Settings:
    (tmp_path / "extracts").mkdir(exist_ok=True)
    return Settings.from_environment({**folders(tmp_path), **environment})


def folders(tmp_path: Path) -> dict[str, str]:
    return {
        "EXTRACTS_DIR": str(tmp_path / "extracts"),
        "LANDING_DIR": str(tmp_path / "build" / "landing"),
        "WAREHOUSE_DB": str(tmp_path / "build" / "warehouse.duckdb"),
        "PUBLISHED_DB": str(tmp_path / "published" / "marketplace.duckdb"),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
    }


def test_relative_paths_count_from_the_projects_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = Settings.from_environment({"EXTRACTS_DIR": "extracts", "PUBLISHED_DB": "out/kpis.duckdb", "AS_OF": ""})
    assert found.extracts == ROOT / "extracts"
    assert found.landing == ROOT / "build" / "landing"
    assert found.published == ROOT / "out" / "kpis.duckdb"
    assert found.warehouse == ROOT / "build" / "warehouse.duckdb"
    # as dbt alone has them: a path written otherwise, or a default that is set, makes it parse everything anew
    assert found.environment["PUBLISHED_DB"] == "out/kpis.duckdb"
    assert "LANDING_DIR" not in found.environment
    assert "AS_OF" not in found.environment
    assert found.environment["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"
    assert found.max_rejected_share == 0.05
    assert found.memory_limit == machine_memory() // 2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("EXTRACTS_DIR", "no/such/folder", "EXTRACTS_DIR: .*no/such/folder is not a folder"),
        ("LANDING_DIR", "extracts/sample", "EXTRACTS_DIR and LANDING_DIR are the same folder"),
        ("CONNECTOR", "shopify", "CONNECTOR: 'shopify' is none of native, olist"),
        ("AS_OF", "30/11/2026", "AS_OF: '30/11/2026' is not a day"),
        ("AS_OF", "20261130", "AS_OF: '20261130' is not a day"),
        ("BUSINESS_TIMEZONE", "Europe/Atlantis", "BUSINESS_TIMEZONE: 'Europe/Atlantis' is not a known time zone"),
        ("REPORTING_CURRENCY", "euro", "REPORTING_CURRENCY: 'euro' is not three capital letters"),
        ("PUBLISHED_DB", "build/warehouse.duckdb", "are the same file"),
        ("MAX_REJECTED_SHARE", "5 %", "MAX_REJECTED_SHARE: '5 %' is not a share between 0 and 1"),
        ("MAX_REJECTED_SHARE", "5", "MAX_REJECTED_SHARE: '5' is not a share between 0 and 1"),
        ("MAX_REJECTED_SHARE", "nan", "MAX_REJECTED_SHARE: 'nan' is not a share between 0 and 1"),
        ("MEMORY_LIMIT", "lots", "MEMORY_LIMIT: 'lots' is not an amount of memory such as 6GB"),
        ("MEMORY_LIMIT", "6", "MEMORY_LIMIT: '6' is not an amount"),
        ("MEMORY_LIMIT", "-6GB", "MEMORY_LIMIT: '-6GB' is not an amount"),
        ("MEMORY_LIMIT", "0%", "MEMORY_LIMIT: '0%' is not an amount"),
        ("MEMORY_LIMIT", "120%", "MEMORY_LIMIT: '120%' is not an amount"),
        ("MEMORY_LIMIT", "6PB", "MEMORY_LIMIT: '6PB' is not an amount"),
        ("MEMORY_LIMIT", "100MB", "MEMORY_LIMIT: 100MB is too little"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str, message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        Settings.from_environment({name: value})


@pytest.mark.parametrize(
    ("text", "size"),
    [("6GB", 6 * 10**9), ("8GiB", 8 * 2**30), ("512MB", 512 * 10**6), ("1.5 gib", 3 * 2**29), ("300MiB", 300 * 2**20)],
)
def test_a_memory_limit_is_read_in_the_units_of_duckdb(text: str, size: int) -> None:
    assert memory_limit({"MEMORY_LIMIT": text}) == size
    with duckdb.connect(config={"memory_limit": text}) as connection:
        (set_to,) = connection.execute("select current_setting('memory_limit')").fetchone()
    with duckdb.connect(config={"memory_limit": f"{size // 2**10}KiB"}) as connection:
        assert connection.execute("select current_setting('memory_limit')").fetchone() == (set_to,)


def test_a_memory_limit_may_be_a_share_of_the_machine() -> None:
    assert memory_limit({"MEMORY_LIMIT": "60%"}) == int(machine_memory() * 0.6)
    assert memory_limit({}) == memory_limit({"MEMORY_LIMIT": "50 %"}) == memory_limit({"MEMORY_LIMIT": ""})


@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        ("0::/a/b", {"a/memory.max": "3000000000", "a/b/memory.max": "max"}, 3_000_000_000),
        ("0::/a/b", {"a/b/memory.max": "2000000000", "a/memory.max": "3000000000"}, 2_000_000_000),
        ("0::/elsewhere", {"memory.max": "1000000000"}, 1_000_000_000),  # in a container: its own group is the root
        ("5:cpu,memory:/c", {"memory/c/memory.limit_in_bytes": "1500000000"}, 1_500_000_000),
        ("0::/a", {"a/memory.max": "max"}, None),
        ("0::/a", {"a/memory.max": "9" * 18}, None),  # more than the machine has
    ],
)
def test_the_limit_of_a_container_counts_as_the_machines_memory(
    tmp_path: Path, group: str, files: dict[str, str], expected: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    (tmp_path / "own").write_text(f"1:cpu:/x\n{group}\n")
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert machine_memory(tmp_path, tmp_path / "own") == min(physical, expected or physical)


@pytest.mark.parametrize("limit", [300 * 2**20, 2 * 2**30, 6 * 10**9])
def test_duckdb_gets_what_python_leaves_and_spills_the_rest(tmp_path: Path, limit: int) -> None:
    config = duckdb_config(limit, tmp_path / "spill.tmp")
    share = int(config["memory_limit"].removesuffix("KiB")) * 2**10
    assert limit // 2 - 2**10 <= share <= limit - min(limit // 2, SHARE_FOR_PYTHON)
    with duckdb.connect(config={**config, "memory_limit": "40MiB", "threads": "1"}) as connection:
        connection.execute("create table big as select hash(i) as h, repeat('x', 50) as t from range(1500000) r(i)")
        assert any((tmp_path / "spill.tmp").iterdir())
        assert connection.execute("select count(distinct h) from big").fetchone() == (1_500_000,)


def test_dbt_hands_the_memory_limit_to_duckdb(run_dbt: Callable, tmp_path: Path) -> None:
    project = tmp_path / "project"  # a small one, which dbt reads at once
    project.mkdir()
    shutil.copy(ROOT / "profiles.yml", project)
    (project / "dbt_project.yml").write_text(
        'name: marketplace_kpis\nprofile: marketplace_kpis\non-run-start: ["{{ limit_memory() }}"]\n'
    )
    for folder in ("macros", "models"):
        (project / folder).mkdir()
    shutil.copy(ROOT / "macros" / "engine" / "memory.sql", project / "macros")
    (project / "models" / "told.sql").write_text(
        "{{ config(materialized='table') }} "
        "select current_setting('memory_limit') || ' ' || current_setting('temp_directory') as said"
    )

    def limit(*arguments: str, **environment: str) -> str:
        done = run_dbt(tmp_path, "run", *arguments, project=project, **environment)
        assert done.returncode == 0, done.stdout
        with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
            return connection.execute("select said from told").fetchone()[0]

    assert limit(MEMORY_LIMIT="512MiB") == f"512.0 MiB {tmp_path / 'warehouse.duckdb.tmp'}"
    assert limit("--vars", "memory_limit: 300MiB", MEMORY_LIMIT="512MiB").startswith("300.0 MiB ")


def test_the_expectations_keep_to_the_memory_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from python_checks.expectations.gate import Gate  # Great Expectations takes seconds to import

    duckdb.connect(str(tmp_path / "warehouse.duckdb")).close()
    monkeypatch.setenv("MEMORY_LIMIT", "1536MiB")
    gate = Gate(tmp_path / "warehouse.duckdb", {"nodes": {}}, {})
    with gate._source.get_engine().connect() as connection:
        (limit,) = connection.exec_driver_sql("select current_setting('memory_limit')").fetchone()
    assert limit == "1.0 GiB"


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
    found.landing.mkdir(parents=True)
    with duckdb.connect(str(found.warehouse)) as connection:
        connection.execute("create schema marts; create table marts.release_info as select 'run-1' as run_id")
        connection.execute(
            "create table marts.load_audit as select 'orders' as table_name, 'orders.csv' as file_name, 1 as rows_read,"
            " 1 as rows_loaded, 0 as rows_rejected, 0 as rows_superseded"
        )
    landed(found, "orders.csv", 11)
    return found


def landed(found: Settings, file: str, size: int) -> None:
    path = found.landing / "_files.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select 'orders' as table_name, '{file}' as file_name, {size} as bytes,"
            f" timestamp '2026-01-01 00:00:00' as modified_at) to '{path}'")


def test_a_release_tells_where_it_comes_from(built: Settings) -> None:
    facts = release_facts(built, RESULTS, {"pass": 5, "warn": 1}, {"rows_read": "all equal"})
    assert facts["input_bytes"] == 11
    assert (facts["tests_passed"], facts["tests_warned"]) == (5, 1)
    assert facts["checks"] == '{"rows_read": "all equal"}'
    landed(built, "orders.csv", 12)
    again = release_facts(built, RESULTS, {"pass": 5, "warn": 1}, {})
    assert again["input_digest"] != facts["input_digest"]


def test_the_digest_of_a_build_follows_files_code_and_settings(built: Settings, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "tests" / "python").mkdir(parents=True)
    model, test = tmp_path / "models" / "a.sql", tmp_path / "tests" / "python" / "test_a.py"
    digests = []

    def another(changed: Settings = built) -> bool:
        digests.append(build_digest(changed, tmp_path))
        return digests[-1] not in digests[:-1]

    assert another()
    assert not another()
    model.write_text("select 1")
    assert another()
    model.rename(model.with_name("b.sql"))
    assert another()
    test.write_text("nothing that is built")
    assert not another()
    landed(built, "orders.csv", 12)
    assert another()
    for name, value in {"AS_OF": "2026-01-31", "MAX_REJECTED_SHARE": "0.1", "PII_KEY": "own"}.items():
        assert another(settings(tmp_path, **{name: value}))
    (tmp_path / "other").mkdir()
    assert another(settings(tmp_path, EXTRACTS_DIR=str(tmp_path / "other")))


def test_a_landing_that_changed_since_the_build_is_refused(built: Settings) -> None:
    landed(built, "orders/2.csv", 11)
    with pytest.raises(ProjectError, match=r"^orders.csv was landed for this build, .*landing lacks it"):
        release_facts(built, RESULTS, {"pass": 1, "warn": 0}, {})


def test_a_build_file_that_cannot_be_opened_is_no_fault_of_the_code(built: Settings) -> None:
    built.warehouse.unlink()
    with pytest.raises(ProjectError, match=r"warehouse\.duckdb"), open_build(built):
        pass


def test_a_build_of_another_run_is_refused(built: Settings) -> None:
    other = {**RESULTS, "metadata": {"invocation_id": "run-2"}}
    with pytest.raises(ProjectError, match="is of run run-1, the last run of dbt was run-2"):
        release_facts(built, other, {"pass": 1, "warn": 0}, {})


def test_a_failed_check_publishes_nothing(
    built: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = {"sound": ["this"], "unsound": ["antigravity_not_there"]}
    monkeypatch.setattr(build_module, "_check_commands", lambda _: commands)
    report = Report()
    with pytest.raises(CheckFailed, match=r"^unsound failed"):
        build_module._run_checks(built, report)
    assert "No module named antigravity_not_there" in capsys.readouterr().out
    steps = {step["step"]: step for step in report.facts["steps"]}
    assert set(steps) == set(commands)
    assert all(step["cpu_seconds"] > 0 and step["peak_memory"] > 5 * 2**20 for step in steps.values())


CHECK = """
import os, sys, time
from pathlib import Path
name, folder = sys.argv[1:]
Path(folder, name).write_text(os.environ["MEMORY_LIMIT"])
time.sleep(0.5)
print("beside it:", sorted(path.name for path in Path(folder).iterdir()))
Path(folder, name).rename(Path(folder).parent / name)
print("not recomputed: too large" if name == "recomputation" else "all well")
"""


@pytest.mark.parametrize(("delivered", "limit", "at_once"), [(10, "300MiB", 2), (7 * 2**20, "300MiB", 1)])
def test_checks_side_by_side_share_the_memory_and_large_ones_run_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delivered: int, limit: str, at_once: int
) -> None:
    found = settings(tmp_path, MEMORY_LIMIT=limit)
    (found.extracts / "orders.csv").write_bytes(b"x" * delivered)
    (tmp_path / "check.py").write_text(CHECK)
    (tmp_path / "running").mkdir()
    names = ["recomputation", "expectations", "rows_read"]
    commands = {name: ["check", name, str(tmp_path / "running")] for name in names}
    monkeypatch.setattr(build_module, "_check_commands", lambda _: commands)
    monkeypatch.setitem(found.environment, "PYTHONPATH", str(tmp_path))
    outputs = {}
    run = child.run
    monkeypatch.setattr(child, "run", lambda *a, **b: outputs.setdefault(a[0], run(*a, **b)))
    report = Report()
    summaries = build_module._run_checks(found, report)
    assert summaries["recomputation"] == "not recomputed: too large"
    assert report.facts["left_out"] == ["recomputation: not recomputed: too large"]
    assert {(tmp_path / name).read_text() for name in names} == {f"{300 * 2**10 // at_once}KiB"}
    most = max(outputs[name].output.count("', '") + 1 for name in names)
    assert most == at_once


@pytest.mark.parametrize("said", ["", "duckdb.duckdb.OutOfMemoryException: Out of Memory Error: failed to allocate"])
def test_a_check_short_of_memory_says_so_and_what_to_do(
    built: Settings, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    ended = Ended("recomputation", 1 if said else -signal.SIGKILL, said, 1, 1, 1)
    monkeypatch.setattr(child, "run", lambda *_, **__: ended)
    monkeypatch.setattr(build_module, "_check_commands", lambda _: {"recomputation": ["this"]})
    with pytest.raises(CheckFailed, match=r"^recomputation ran out of memory\..*MEMORY_LIMIT.*threads.*disk"):
        build_module._run_checks(built, Report())


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


def result_of(name: str, status: str, message: str) -> dict:
    return {"unique_id": name, "status": status, "message": message}


def said(message: str) -> str:
    return json.dumps({"info": {"level": "error", "msg": message}})


RATE = f"Runtime Error in model int_orders\n  Invalid Input Error: {DATA_STOP}No exchange rate for USD on 2026-01-01"
NODES = {
    "test.p.on_source": {**node("test"), "depends_on": {"nodes": ["source.p.extracts.orders"]}},
    "test.p.on_model": {**node("test"), "depends_on": {"nodes": ["model.p.fct_orders"]}},
}


@pytest.mark.parametrize(
    ("results", "code", "output", "kind", "message"),
    [
        ([("model.p.a", "error", RATE), ("model.p.b", "error", RATE), ("model.p.c", "skipped", "")], 1, "",
         DataRefused, r"^No exchange rate for USD on 2026-01-01\nNothing was published\.$"),
        ([("test.p.on_source", "fail", "Got 2 results")], 1, "", DataRefused, "^on_source: Got 2 results\nNothing"),
        ([("model.p.a", "error", RATE), ("model.p.b", "error", "Binder Error: no column")], 1, "",
         CheckFailed, r"dbt build failed \(exit code 1\)"),
        ([("test.p.on_model", "fail", "Got 2 results")], 1, "", CheckFailed, "dbt build failed"),
        ([(f"model.p.{name}", "error", "Binder Error: no x") for name in "abcdefg"], 1, "", CheckFailed,
         r"failed \(exit code 1\):(\n  [a-e]: Binder Error: no x){5}\n  and 2 more\nNothing"),
        ([], 2, said("Compilation Error in macro"), CheckFailed, r"\(exit code 2\):\n  Compilation Error in macro"),
        ([], 2, said(f"Compilation Error\n  {DATA_STOP}nothing is there\n  > in macro"), DataRefused,
         "^nothing is there\nNothing was published"),
        ([], 1, "not JSON at all", CheckFailed, r"failed \(exit code 1\):\nNothing"),
        ([("model.p.a", "error", "Out of Memory Error: failed to pin block")], 1, "Out of Memory Error: failed",
         CheckFailed, "dbt build ran out of memory"),
        ([], -signal.SIGKILL, "", CheckFailed, "dbt build ran out of memory"),
        ([], 137, "", CheckFailed, "dbt build ran out of memory"),
    ],
)
def test_a_failure_of_dbt_is_told_by_its_cause(
    results: list[tuple], code: int, output: str, kind: type, message: str
) -> None:
    ended = Ended("dbt build", code, output, 1.0, 1.0, 1)
    failure = dbt_failure({"nodes": NODES}, {"results": [result_of(*result) for result in results]}, ended)
    assert type(failure) is kind
    assert re.search(message, str(failure))


def test_two_reasons_to_refuse_are_told_at_once() -> None:
    rejected = DataRefused("11 of 100 rows were rejected: make build MAX_REJECTED_SHARE=0.11\nNothing was published.")
    no_rate = DataRefused("No exchange rate for USD on 2026-01-01\nNothing was published.")
    assert str(both_refused(rejected, no_rate)) == (
        "11 of 100 rows were rejected: make build MAX_REJECTED_SHARE=0.11\n"
        "Whatever share is accepted, this stops the build too:\nNo exchange rate for USD on 2026-01-01\n"
        "Nothing was published."
    )
    assert both_refused(rejected, None) is rejected
    assert both_refused(rejected, CheckFailed("dbt build failed")) is rejected


def told(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "build" / "last_build.json").read_text())


@pytest.mark.parametrize(
    ("raised", "code", "result"),
    [
        (None, 0, "published"),
        (DataRefused("too many"), 1, "refused"),
        (LandingError(["no orders"]), 1, "refused"),
        (CheckFailed("recomputation failed"), 2, "failed"),
        (PublishError("the disk is full"), 2, "failed"),
        (child.Stopped(), 2, "failed"),
        (KeyError("a fault of ours"), 2, "failed"),
        (ProjectError("no such folder"), 3, "wrong_use"),
    ],
)
def test_every_end_has_its_code_and_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    raised: BaseException | None, code: int, result: str,
) -> None:
    def build(_: object, report: Report) -> None:
        report.warn("one warning")
        with report.step("land"):
            if raised:
                raise raised

    for name, value in folders(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(build_module, "_build", build)
    assert build_module.main([]) == code
    facts = told(tmp_path)
    assert (facts["result"], facts["exit_code"], facts["warnings"]) == (result, code, ["one warning"])
    assert [step["step"] for step in facts["steps"]] == ["land"]
    errors = capsys.readouterr().err
    assert facts["reason"] in errors
    assert ("Traceback" in errors) is isinstance(raised, KeyError)
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["last_build.json"]


WRONG_USES = [
    (["--bilt"], {}, "unrecognized arguments: --bilt"),
    (["--built", "--full-refresh"], {}, "--built takes the build that is there"),
    ([], {"EXTRACTS_DIR": "no/such/folder"}, "EXTRACTS_DIR: .*no/such/folder is not a folder"),
    ([], {"CONNECTOR": "shopify"}, "CONNECTOR: 'shopify' is none of"),
    ([], {"MEMORY_LIMIT": "lots"}, "MEMORY_LIMIT: 'lots' is not"),
    ([], {"AS_OF": "yesterday"}, "AS_OF: 'yesterday' is not a day"),
]


@pytest.mark.parametrize(("arguments", "environment", "message"), WRONG_USES)
def test_wrong_use_is_told_without_a_trace_and_exits_3(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    (tmp_path / "extracts").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "ops.build", *arguments], cwd=ROOT, capture_output=True, text=True,
        env={**folders(tmp_path), **environment, "PATH": ""}, check=False,
    )
    assert done.returncode == 3
    assert re.match(f"FAILED: {message}", done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert told(tmp_path)["result"] == "wrong_use"
    assert re.search(message, told(tmp_path)["reason"])


def test_help_is_no_build(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops.build", "--help"], cwd=ROOT, env={**folders(tmp_path)}, check=False,
        capture_output=True, text=True,
    )
    assert done.returncode == 0
    assert "--full-refresh" in done.stdout
    assert not (tmp_path / "build").exists()


BUILD_THAT_WAITS = """
import os, sys
from ops import build, child
def waits(_, report):
    print("ready", flush=True)
    child.run("dbt build", [sys.executable, "-c", os.environ["MARK"]], dict(PATH=""), build.ROOT, on_line=print)
build._build = waits
build.run()
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(99)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_build_ends_what_it_started(tmp_path: Path, number: int) -> None:
    mark = f"import time; print('{tmp_path}', flush=True); time.sleep(99)"
    process = subprocess.Popen(
        [sys.executable, "-c", BUILD_THAT_WAITS], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**folders(tmp_path), "MARK": mark, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout.readline() == "ready\n"
    assert process.stdout.readline() == f"{tmp_path}\n"  # the program runs
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert errors == "FAILED: Stopped from outside. Nothing was published.\n"
    assert told(tmp_path)["result"] == "failed"
    assert not running_with(str(tmp_path))


def test_a_program_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "SECONDS_TO_END", 0.5)

    def stop(line: str) -> None:
        if line == "deaf":
            raise child.Stopped

    started = time.monotonic()
    with pytest.raises(child.Stopped):
        child.run("deaf", [sys.executable, "-c", f"'{tmp_path}'; {DEAF}"], {}, ROOT, on_line=stop)
    assert 0.4 < time.monotonic() - started < 10
    assert not running_with(str(tmp_path))


def running_with(text: str) -> list[str]:
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes().decode(errors="replace"))
        except OSError:  # it ended meanwhile
            continue
    return [command for command in commands if text in command and "pytest" not in command]


def test_a_program_is_measured() -> None:
    busy = "x = b'x' * 200_000_000; sum(range(10_000_000)); print('one'); print('two', end='')"
    lines: list[str] = []
    ended = child.run("busy", [sys.executable, "-c", busy], {}, ROOT, on_line=lines.append)
    assert (ended.code, ended.output, lines) == (0, "one\ntwo", ["one", "two"])
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # a program begins as a copy of its starter
    assert 200_000_000 < ended.peak_memory < max(400_000_000, own + 1)
    assert 0.05 < ended.cpu_seconds < ended.seconds + 1
    assert not ended.out_of_memory


def test_a_silent_program_shows_that_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "HEARTBEAT_SECONDS", 0.2)
    waits: list[float] = []
    child.run("slow", [sys.executable, "-c", "import time; time.sleep(1)"], {}, ROOT, on_wait=waits.append)
    assert len(waits) >= 2


def test_a_killed_program_ran_out_of_memory() -> None:
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert child.run("killed", [sys.executable, "-c", kill], {}, ROOT).out_of_memory


def test_spilled_data_do_not_stay(tmp_path: Path) -> None:
    found = settings(tmp_path)
    left = [found.spill, found.warehouse.with_name("warehouse.duckdb.expectations.tmp")]
    for folder in left:
        folder.mkdir(parents=True)
    with build_module._without_spill(found):
        assert not any(folder.exists() for folder in left)
        found.spill.mkdir()
    assert not found.spill.exists()


def test_lines_of_dbt_are_shown_and_its_warnings_kept(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    for level, message in (("info", "1 of 2 OK"), ("warn", "\x1b[33morders.csv has columns that are ignored\x1b[0m")):
        build_module._tell_of_dbt(json.dumps({"info": {"level": level, "msg": message}, "data": {}}), report)
    build_module._tell_of_dbt("Segmentation fault", report)
    shown = capsys.readouterr().out
    assert "1 of 2 OK" in shown and "columns that are ignored" in shown and "Segmentation fault" in shown
    assert report.facts["warnings"] == ["orders.csv has columns that are ignored"]


def test_a_build_ends_with_rows_warnings_and_what_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.rows = ["extract  files"]
    report.closing = ["Published"]
    for number in range(22):
        report.warn(f"[WARNING]: number {number}")
    report.left_out("2 KPIs without a value:", ["without claims: claim_rate"])
    report.tell()
    shown = capsys.readouterr().out.splitlines()
    assert shown[:4] == ["", "extract  files", "", "Warnings:"]
    assert shown[4:25] == [*(f"  number {number}" for number in range(20)), "  and 2 more"]
    left_out = ["  2 KPIs without a value:", "    without claims: claim_rate"]
    assert shown[25:] == ["", "Left out:", *left_out, "", "Published"]
    assert report.facts["left_out"] == ["2 KPIs without a value:"]


def test_the_last_build_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Report().write(tmp_path, 0, "")
    before = path.read_text()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="the disk is full"):
        Report().write(tmp_path, 2, "something else")
    assert path.read_text() == before
    assert [found.name for found in tmp_path.iterdir()] == ["last_build.json"]
