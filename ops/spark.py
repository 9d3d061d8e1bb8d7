"""Builds the published tables on Spark and holds them against DuckDB's, row by row:  python -m ops.spark

    python -m ops.spark                 land the extracts, build on Spark and on DuckDB, compare
    python -m ops.spark --database DB   build on Spark what is landed, and compare with this DuckDB build of it
    python -m ops.spark --with-tests    as the first, with dbt's data tests on Spark

Runs in the environment that `ops/setup.sh spark` makes (`make spark` sees to both). The environment says what to build
(README, "Settings"), where (SPARK_WAREHOUSE, by default build/spark; an earlier build there goes) and on which Spark
(SPARK_MASTER, ...: docs/guides/spark.md). Exit codes: 0 built and equal; 1 the extracts cannot be loaded, or a row
differs; 2 a build failed; 3 wrong use.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from ops.land import LandingError, land
from ops.project import ROOT, CheckFailed, ProjectError, Settings
from python_checks import parity

REFUSED, FAILED, WRONG_USE = 1, 2, 3
JAVA = 17
NO_UNIT_TESTS = ["--exclude-resource-type", "unit_test"]
# Below so many landed rows, what helps a long query (compiling it, planning it anew) takes longer than the query.
FEW_ROWS = 2_000_000
QUICK = {
    "SPARK_OPTIMIZE": "false",
    "SPARK_PARTITIONS": "1",
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseParallelGC",
}
WAREHOUSE = "build/spark"


def main(arguments: list[str] | None = None) -> int:
    """Land, build and compare; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.spark", description=__doc__.splitlines()[0])
    parser.add_argument("--database", type=Path, help="the DuckDB file of a build of what is landed")
    parser.add_argument("--with-tests", action="store_true", help="run dbt's data tests on Spark too")
    given = parser.parse_args(arguments)
    try:
        require_java()
        settings = Settings.from_environment()
        warehouse = ROOT / (settings.environment.get("SPARK_WAREHOUSE") or WAREHOUSE)
        if not given.database:
            landed = land(settings.extracts, settings.landing, settings.connector, False, _say)
            _say(f"landed: {len(landed.read):,} files read, {landed.kept:,} kept")
        build_on_spark(settings, warehouse, given.with_tests)
        database = ROOT / given.database if given.database else build_on_duckdb(settings, warehouse / "duckdb")
        return parity.main([
            *("--database", str(database)),
            *("--spark", str(warehouse / "warehouse")),
            *("--target", str(warehouse / "target")),
        ])
    except LandingError as error:
        print(f"{error.overview}\nREFUSED: {error}", file=sys.stderr)
        return REFUSED
    except CheckFailed as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return FAILED
    except ProjectError as error:
        print(error, file=sys.stderr)
        return WRONG_USE


def require_java(environment: Mapping[str, str] = os.environ) -> None:
    """Raises ProjectError unless Java is there, and new enough for Spark."""
    java = Path(environment["JAVA_HOME"], "bin", "java") if environment.get("JAVA_HOME") else "java"
    wanted = f"Spark needs Java {JAVA} or 21 (on Debian 12: apt-get install openjdk-{JAVA}-jre-headless)"
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=True, env=environment).stderr
    except (OSError, subprocess.CalledProcessError):
        raise ProjectError(f"{wanted}; {java} cannot be run.") from None
    found = re.search(r'version "(\d+)', told)
    if not found or int(found[1]) < JAVA:
        raise ProjectError(f"{wanted}; found: {told.splitlines()[0]}.")


def build_on_spark(settings: Settings, warehouse: Path, with_tests: bool) -> None:
    """Build what is landed on Spark, in a warehouse and a metastore of its own. Raises CheckFailed when that fails."""
    files = settings.landing / "files.parquet"
    if not files.is_file():
        raise ProjectError(f"{settings.landing} holds no landed files that Spark can read: run `make land`.")
    rows = sum(row or 0 for row in pq.read_table(files, columns=["rows_read"])["rows_read"].to_pylist())
    for part in ("warehouse", "metastore"):
        shutil.rmtree(warehouse / part, ignore_errors=True)
    warehouse.mkdir(parents=True, exist_ok=True)
    environment = {
        **(QUICK if rows < FEW_ROWS else {}),
        **settings.environment,
        "SPARK_WAREHOUSE": str(warehouse),
        "LANDING_DIR": str(settings.landing),
        "DBT_TARGET_PATH": str(warehouse / "target"),
    }
    if settings.environment.get("SPARK_MASTER", "local").startswith("local"):
        environment["SPARK_LOCAL_IP"] = "127.0.0.1"  # else it opens a port to the network
    tests = [] if with_tests else ["test"]
    run_dbt("Spark", ["build", "--target", "spark", *NO_UNIT_TESTS, *tests], environment)


def build_on_duckdb(settings: Settings, folder: Path) -> Path:
    """Build what is landed on DuckDB, from nothing; returns the file. Raises CheckFailed when that fails."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    database = folder / "warehouse.duckdb"
    environment = {
        **settings.environment,
        "LANDING_DIR": str(settings.landing),
        "WAREHOUSE_DB": str(database),
        "DBT_TARGET_PATH": str(folder / "target"),
    }
    run_dbt("DuckDB", ["build", *NO_UNIT_TESTS, "test"], environment)
    return database


def run_dbt(engine: str, command: list[str], environment: Mapping[str, str]) -> None:
    """Run dbt in a process of its own, for Spark lives in it. Raises CheckFailed when it fails."""
    _say(f"dbt {command[0]} on {engine}")
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "dbt.cli.main", *command], cwd=ROOT, env=environment, check=False)
    if done.returncode:
        raise CheckFailed(f"dbt {command[0]} on {engine}; the reasons stand above.")
    _say(f"dbt {command[0]} on {engine} passed ({time.monotonic() - started:.0f} s)")


def _say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
