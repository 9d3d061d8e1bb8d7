"""Spark builds what DuckDB builds, row by row; so does a cluster of other processes."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from ops.project import ProjectError, read_artifact
from ops.spark import QUICK, require_java
from python_checks import parity

# Published tables without a row, of which equality would prove nothing.
EMPTY: set[str] = set()


@pytest.mark.slow
def test_every_published_row_is_the_same_on_spark(market) -> None:
    tables = parity.keys(read_artifact(market.warehouse / "target", "manifest.json"))
    told = market.told.splitlines()[-1]
    assert re.fullmatch(rf"{len(tables)} tables, [1-9][0-9,]* rows: none differs between DuckDB and Spark", told)
    with duckdb.connect(market.duckdb, read_only=True) as build:
        rows = {table: build.execute(f"select count(*) from marts.{table}").fetchone()[0] for table in tables}
        silent = build.execute("select kpi_id from marts.dim_kpi where not has_data").fetchall()
        grains = build.execute("select distinct period_grain from marts.kpi_values where value is not null").fetchall()
        found = build.execute("select distinct dimension from marts.kpi_values where value is not null").fetchall()
        known = build.execute("select dimensions from marts.dim_kpi").fetchall()
    assert {table for table, count in rows.items() if not count} == EMPTY
    assert silent == []
    assert {grain for (grain,) in grains} == {"day", "week", "month", "quarter", "year"}
    assert {dimension for (dimension,) in found} == {"all"} | {one for (names,) in known for one in names.split()}


@pytest.mark.slow
def test_a_cluster_builds_from_the_landing(run_on_spark, market, cluster, tmp_path: Path) -> None:
    assert cluster.executors() == []
    run_on_spark(
        {
            **market.environment, **QUICK, "SPARK_MASTER": cluster.master, "SPARK_MEMORY": "1g",
            "SPARK_WAREHOUSE": str(tmp_path / "spark"), "DBT_TARGET_PATH": str(tmp_path / "target"),
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        "dbt.cli.main", "run", "--target", "spark", "--select", "+dim_product", "+dim_offer",
    )
    assert cluster.executors(), "no executor of the worker ran"
    tables = {"dim_product": ["product_id"], "dim_offer": ["offer_id"]}
    differences, rows = parity.compare(market.duckdb, tmp_path / "spark" / "warehouse", tables)
    assert differences == []
    assert rows


@pytest.mark.parametrize(("java", "words"), [
    (None, "java cannot be run"),
    ("exit 1", "java cannot be run"),
    ("echo 'openjdk version \"11.0.2\" 2019-01-15' >&2", 'found: openjdk version "11.0.2" 2019-01-15'),
])
def test_java_that_is_missing_or_old_is_named(tmp_path: Path, java: str | None, words: str) -> None:
    (tmp_path / "bin").mkdir()
    if java:
        (tmp_path / "bin" / "java").write_text(f"#!/bin/sh\n{java}\n")
        (tmp_path / "bin" / "java").chmod(0o755)
    with pytest.raises(ProjectError, match=words) as raised:
        require_java({"JAVA_HOME": str(tmp_path), "PATH": "/bin:/usr/bin"})
    assert "apt-get install openjdk-17-jre-headless" in str(raised.value)


def test_java_of_the_right_version_is_taken(tmp_path: Path) -> None:
    (tmp_path / "java").write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\" 2023-10-17' >&2\n")
    (tmp_path / "java").chmod(0o755)
    require_java({"PATH": f"{tmp_path}:/bin"})
