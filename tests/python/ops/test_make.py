"""Every command of the README is run: here, as it stands there, or by the test that ELSEWHERE names."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from ops.project import ROOT, Settings

README = (ROOT / "README.md").read_text(encoding="utf-8")
IN_VENV = ROOT / ".venv" / "bin"

# What is run here on a copy of the sample's build, and words of what it tells.
HERE = {
    "make help": "make build ",
    "make check": "all kept",
    "make land EXTRACTS_DIR=/data/extracts": "orders",
    "make explain KPI=cancellation_rate PERIOD=2026-09 DIMENSION=country VALUE=FR": "cancellation_rate in 2026-09",
    "make kpi KPI=gmv": "1 KPI",
    "make recompute KPI=gmv": "1 KPI",
    "dbt ls --select tag:sellers": "marketplace_kpis.marts.sellers.seller_health",
    "dbt build --select kpi_sales": "ERROR=0",
}
# What takes too long, or a machine of its own, for this file: the test that runs it, and a word of that test.
ELSEWHERE = {
    "make build": ("conftest.py", "ops.build"),
    "make build EXTRACTS_DIR=/data/extracts": ("ops/test_build.py", "EXTRACTS_DIR"),
    "make build CONNECTOR=olist EXTRACTS_DIR=/data/olist": ("kpis/conftest.py", "ops.build"),
    "make build NAME=value": ("ops/test_build.py", "ops.build"),
    "make build FULL_REFRESH=1": ("ops/test_build.py", "--full-refresh"),
    ".venv/bin/python -m ops.worked_examples": ("ops/test_worked_examples.py", "worked_examples"),
    ".venv/bin/python -m ops.build": ("ops/test_build.py", "ops.build"),
    ".venv/bin/python -m ops.simulate --out /data/simulated --orders 100000 --days 365": (
        "ops/test_simulate.py", "--orders",
    ),
    "mv published/marketplace.<time>.duckdb published/marketplace.duckdb": ("ops/test_publish.py", "rename"),
    "make analyses": ("ops/test_analyses.py", "ops.analyses"),
    "make dashboards": ("dashboards/conftest.py", "ops.boards"),
    "make report PERIOD=2026-09": ("dashboards/test_period_report.py", "period_report"),
    "make docs": ("docs/conftest.py", "ops.docs"),
    "make superset": ("bi/test_superset.py", "ops.superset"),
    "make test-superset": ("bi/test_superset.py", "ops.superset"),
    "make recompute": ("ops/test_build.py", "recompute"),
    "make spark": ("spark/test_spark.py", "ops.spark"),
    "make bench": ("ops/test_benchmark.py", "benchmark"),
    "dbt build": ("definitions/test_custom_kpis.py", '"build"'),
    "dbt build --selector sellers": ("definitions/test_selections.py", "selector"),
    "pre-commit install": ("ops/test_hooks.py", "pre-commit"),
}


def commands() -> set[str]:
    """Those in blocks of shell and those named in the text, without what stands for a value of the reader's."""
    blocks = "".join(re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)).splitlines()
    named = re.findall(r"`((?:make|dbt|pre-commit|\.venv/bin/python) [^`]*)`", README)
    lines = [line.partition("  #")[0] for line in blocks] + named
    found = {" ".join(line.split()).replace("KPI=...", "KPI=gmv") for line in lines if re.match(r"[.a-z]", line)}
    return {line for line in found if not line.startswith(".venv/bin/python -c ")}


def test_every_command_is_run_by_a_test() -> None:
    ran_by_what_runs_this = {"make test"}
    assert commands() - ran_by_what_runs_this == {*HERE, *ELSEWHERE}
    for place, word in ELSEWHERE.values():
        assert word in (ROOT / "tests" / "python" / place).read_text(encoding="utf-8"), place


@pytest.mark.parametrize("command", HERE)
def test_a_command_does_as_the_readme_says(copy_of_sample: Settings, command: str) -> None:
    words = shlex.split(command.replace("/data/extracts", str(ROOT / "extracts" / "sample")))
    environment = {**copy_of_sample.environment, "PATH": f"{IN_VENV}:{os.environ['PATH']}"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert HERE[command] in done.stdout


def test_the_release_is_read_as_the_readme_says(sample_release: Settings, tmp_path: Path) -> None:
    (line,) = re.findall(r'^\.venv/bin/python -c ".*?"$', README, re.MULTILINE | re.DOTALL)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "published").symlink_to(sample_release.published.parent)
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "average_order_value" in done.stdout
