"""dbt as the build runs it: what needs no data is checked before anything is built.

    python -m ops.dbt check              parse the project, hold it to its conventions and read the KPI definitions
    python -m ops.dbt build [options]    parse, hold to the conventions, then dbt build with these options
    python -m ops.dbt kpi gmv            the same for one KPI: its worked examples, its family mart with all it comes
                                         from, and the tables that gather KPIs

The project is parsed once. Exit codes are dbt's, and BROKEN where a convention is broken or a KPI cannot be defined.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from ops.project import QUIET, ROOT, ProjectError, kpis, no_such, read_artifact
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
    done = dbt.invoke(build_of_kpi(manifest, arguments[1]) if arguments[0] == "kpi" else arguments)
    return 0 if done.success else 1 if done.exception is None else 2


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
