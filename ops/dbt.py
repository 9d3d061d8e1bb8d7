"""dbt as the build runs it: what needs no data is checked before anything is built.

    python -m ops.dbt check              parse the project, hold it to its conventions and read the KPI definitions
    python -m ops.dbt build [options]    parse, hold to the conventions, then dbt build with these options

The project is parsed once. Exit codes are dbt's, and BROKEN where a convention is broken or a KPI cannot be defined.
"""

from __future__ import annotations

import os
import sys

from ops.project import QUIET, ROOT, read_artifact
from python_checks.conventions.rules import held

BROKEN = 4


def main(arguments: list[str]) -> int:
    """Parse, check, and build where asked; returns the exit code."""
    from dbt.cli.main import dbtRunner  # takes two seconds, which who only asks for BROKEN need not wait

    is_check = arguments == ["check"]
    if is_check:  # beside what a build keeps, and without its file
        os.environ.update(QUIET, WAREHOUSE_DB=":memory:", DBT_TARGET_PATH="build/check", DBT_LOG_LEVEL="warn")
    parsed = dbtRunner().invoke(["parse"])
    if not parsed.success:
        return 2
    is_held, told = held(read_artifact(ROOT / os.environ.get("DBT_TARGET_PATH", "target"), "manifest.json"))
    if is_check or not is_held:
        print(told, flush=True)
    if not is_held:
        return BROKEN
    dbt = dbtRunner(manifest=parsed.result)
    if is_check:
        return 0 if dbt.invoke(["run-operation", "kpi_definitions"]).success else BROKEN
    done = dbt.invoke(arguments)
    return 0 if done.success else 1 if done.exception is None else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
