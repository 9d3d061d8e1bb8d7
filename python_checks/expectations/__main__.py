"""Command line of the expectations gate."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from pathlib import Path

from ops.project import ROOT, ProjectError, read_artifact


def main() -> int:
    gc.disable()  # nearly all that Great Expectations makes, from its import on, lives to the end
    from python_checks.expectations.gate import Gate
    from python_checks.expectations.report import explain, write_page
    from python_checks.expectations.suites import read_suites

    parser = argparse.ArgumentParser(prog="python -m python_checks.expectations", description=__doc__)
    parser.add_argument("--database", type=Path, default=ROOT / "build/warehouse.duckdb", help="build to judge")
    parser.add_argument("--target", type=Path, default=ROOT / "target", help="dbt's folder with the manifest")
    parser.add_argument("--page", type=Path, default=ROOT / "build/quality/index.html", help="result page to write")
    arguments = parser.parse_args()
    if not arguments.database.is_file():
        raise ProjectError(f"{arguments.database} is not there: run `dbt build` (or `make build`) first.")
    started = time.monotonic()
    results = []
    for result in Gate(arguments.database, read_artifact(arguments.target, "manifest.json"), read_suites()).run():
        results.append(result)
        if result.problem:
            print(f"FAILED {result.table}: {result.problem}", flush=True)
        for verdict in result.failures:
            print(f"FAILED {result.table}: {verdict.expectation}{explain(verdict)}", flush=True)
    write_page(results, arguments.database, arguments.page)
    count = sum(len(result.verdicts) for result in results)
    failed = sum(not result.passed for result in results)
    print(f"Results: {arguments.page}")
    print(
        f"{count} expectations on {len(results)} tables, "
        f"{f'{failed} tables failed' if failed else 'all passed'}, {time.monotonic() - started:.1f} s"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        code = main()
    except ProjectError as error:
        sys.exit(str(error))
    sys.stdout.flush()
    os._exit(code)  # at its ordinary end duckdb lists objects of its own as leaked
