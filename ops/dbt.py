"""dbt as the build runs it: what needs no data is checked before anything is built.

    python -m ops.dbt check              parse the project, hold it to its conventions and read the KPI definitions
    python -m ops.dbt build [options]    parse, hold to the conventions, then dbt build with these options
    python -m ops.dbt kpi gmv            the same for one KPI: its worked examples, its family mart with all it comes
                                         from, and the tables that gather KPIs

The project is parsed once. Exit codes are dbt's, and BROKEN where a convention is broken or a KPI cannot be defined.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from ops.project import QUIET, ROOT, ProjectError, Settings, kpis, no_such, read_artifact
from python_checks.conventions.rules import expected_rows, held

BROKEN = 4


def main(arguments: list[str]) -> int:
    """Parse, check, and build where asked; returns the exit code."""
    from dbt.cli.main import dbtRunner  # takes two seconds, which who only asks for BROKEN need not wait

    os.environ.update(QUIET)
    is_check = arguments == ["check"]
    if is_check:  # beside what a build keeps, and without its file
        os.environ.update(WAREHOUSE_DB=":memory:", DBT_TARGET_PATH="build/check", DBT_LOG_LEVEL="warn")
    parsed = dbtRunner().invoke(["parse"])
    if not parsed.success:
        print(new_kpi_lacks(str(parsed.exception)), end="", flush=True)
        return 2
    manifest = read_artifact(ROOT / os.environ.get("DBT_TARGET_PATH", "target"), "manifest.json")
    is_held, told = held(manifest)
    if is_check or not is_held:
        print(told, flush=True)
    if not is_held:
        return BROKEN
    dbt = dbtRunner(manifest=parsed.result)
    if is_check:
        return 0 if dbt.invoke(["run-operation", "kpi_definitions"]).success else BROKEN
    is_kpi = arguments[0] == "kpi"
    done = dbt.invoke(build_of_kpi(manifest, arguments[1]) if is_kpi else arguments)
    if is_kpi and not done.success and done.result:  # `make build` tells them itself
        print(*rows_found(Settings.from_environment()), sep="\n", flush=True)
    return 0 if done.success else 1 if done.exception is None else 2


def new_kpi_lacks(message: str) -> str:
    """What a KPI needs whose doc block dbt misses: it stops there, before the conventions can tell the rest."""
    found = re.search(r"'metric\.\w+\.(\w+)' depends on doc '(\w+)'", message)
    if not found:
        return ""
    kpi_id, block = found.groups()
    said = re.compile(rf"^ *- name: {kpi_id}$", re.MULTILINE)
    files = [path for path in (ROOT / "models").rglob("_*__metrics.yml") if said.search(path.read_text("utf-8"))]
    if not files:
        return ""
    family, place = files[0].parent.name, files[0].parent.relative_to(ROOT)
    return (
        f"{kpi_id} has no doc block {block} ({place}/_{family}__docs.md). A KPI with a column of its own also has\n"
        f"  its column in {place}/kpi_{family}.sql and {place}/kpi_{family}.yml,\n"
        f"  a worked example in {place}/kpi_{family}.yml,\n"
        f"  and its line in `declare`, its name in `rows.wants` and its rows in\n"
        f"  python_checks/recompute/families/{family}.py\n"
    )


def rows_found(settings: Settings) -> list[str]:
    """Of each data test that failed in the last run of dbt its name and the first row that it found."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    from ops.build import first_row  # polars and what else a build needs take a second

    DuckDBConnectionManager.close_all_connections()  # dbt, in this process, still holds the file for itself
    results = read_artifact(settings.target, "run_results.json")["results"]
    return [
        f"{result['unique_id'].split('.')[2]}:{first_row(settings, result)}"
        for result in results if result["status"] == "fail" and result["unique_id"].startswith("test.")
    ]  # fmt: skip


def build_of_kpi(manifest: Mapping[str, Any], kpi_id: str) -> list[str]:
    """The dbt command for one KPI. Raises ProjectError when there is no such KPI."""
    known = {metric["name"]: metric for metric, _ in kpis(manifest)}
    if kpi_id not in known:
        raise no_such("KPI", kpi_id, known)
    family = known[kpi_id]["config"].get("group")
    mart = f"kpi_{family}" if family else "kpi_values"  # a custom KPI has no family of its own
    others = [
        f"unit_test:{test['name']}"
        for test in manifest["unit_tests"].values()
        if not any(kpi_id in row for row in expected_rows(test))
    ]
    return ["build", "--select", f"+{mart}", "kpi_values", "dim_kpi", "--exclude", *others]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ProjectError as error:
        sys.exit(str(error))
