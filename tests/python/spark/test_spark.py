"""Spark builds what DuckDB builds, row by row; so does a cluster of other processes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ops.project import ProjectError, Settings, read_artifact
from ops.spark import require_java
from python_checks import parity


@pytest.mark.slow
def test_every_published_row_is_the_same_on_spark(run_on_spark, sample_release: Settings) -> None:
    told = run_on_spark("ops.spark", "--database", str(sample_release.warehouse)).splitlines()[-1]
    tables = parity.keys(read_artifact(sample_release.target, "manifest.json"))
    assert re.fullmatch(rf"{len(tables)} tables, [1-9][0-9,]* rows: none differs between DuckDB and Spark", told)


@pytest.mark.slow
def test_a_cluster_builds_from_the_landing(run_on_spark, cluster, sample_release: Settings, tmp_path: Path) -> None:
    assert cluster.executors() == []
    run_on_spark(
        "dbt.cli.main", "run", "--target", "spark", "--select", "+dim_product", "+dim_offer",
        SPARK_MASTER=cluster.master, SPARK_MEMORY="1g",
    )
    assert cluster.executors(), "no executor of the worker ran"
    tables = {"dim_product": ["product_id"], "dim_offer": ["offer_id"]}
    differences, rows = parity.compare(sample_release.warehouse, tmp_path / "spark" / "warehouse", tables)
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
