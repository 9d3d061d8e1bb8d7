"""The environment of Spark, and a cluster of two processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops.project import QUIET, ROOT

PYTHON = ROOT / ".venv-spark" / "bin" / "python"


@pytest.fixture(scope="session")
def spark_python() -> Path:
    """The Python of .venv-spark; without it there is nothing to test."""
    if not PYTHON.is_file():
        pytest.skip("skipped: no Spark environment (ops/setup.sh spark)")
    return PYTHON


@pytest.fixture(scope="session")
def run_on_spark(spark_python: Path) -> Callable[..., str]:
    """Runs a module in the environment of Spark; what it printed. Fails when it does."""

    def run(environment: Mapping[str, str], *arguments: str) -> str:
        done = subprocess.run(
            [spark_python, "-m", *arguments],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        assert done.returncode == 0, done.stdout[-20000:]
        return done.stdout

    return run


@dataclass(frozen=True)
class Market:
    """A simulated marketplace on both engines: what the build printed, and the environment it was made in."""

    told: str
    warehouse: Path
    environment: dict[str, str]

    @property
    def duckdb(self) -> Path:
        return self.warehouse / "duckdb" / "warehouse.duckdb"


@pytest.fixture(scope="session")
def market(run_on_spark: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Market:
    """A market small enough for Spark, old enough for forecasts, on which every published table has a row and every KPI
    a value; landed, built on both and compared by the command of `make spark`.
    """
    folder = tmp_path_factory.mktemp("market")
    asked = ["--orders", "700", "--days", "520", "--seed", "1", "--dirt"]
    subprocess.run([sys.executable, "-m", "ops.simulate", "--out", folder / "extracts", *asked], cwd=ROOT, check=True)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ}, **QUIET,
        "SPARK_MEMORY": "2g", "EXTRACTS_DIR": str(folder / "extracts"),
        "LANDING_DIR": str(folder / "landing"), "SPARK_WAREHOUSE": str(folder / "spark"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    return Market(run_on_spark(environment, "ops.spark"), folder / "spark", environment)


@dataclass(frozen=True)
class Cluster:
    """A standalone master and its worker; `work` is where the worker keeps what executors wrote."""

    master: str
    work: Path

    def executors(self) -> list[Path]:
        return sorted(self.work.glob("app-*/*/stderr"))


@pytest.fixture
def cluster(spark_python: Path, tmp_path: Path) -> Iterator[Cluster]:
    [home] = spark_python.parents[1].glob("lib/python*/site-packages/pyspark")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    master, work = f"spark://127.0.0.1:{port}", tmp_path / "work"
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1"}
    asked = {
        "master.Master": ["--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"],
        "worker.Worker": ["--cores", "1", "--memory", "1g", "--work-dir", str(work), "--webui-port", "0", master],
    }
    running = []
    try:
        for name, arguments in asked.items():
            log = tmp_path / f"{name}.log"
            with log.open("w") as output:
                command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", *arguments]
                running.append(subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT))
            _wait_for("Successfully registered with master" if name == "worker.Worker" else "I have been elected", log)
        yield Cluster(master, work)
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(30)


def _wait_for(words: str, log: Path, seconds: int = 120) -> None:
    for _ in range(seconds * 2):
        if words in log.read_text():
            return
        time.sleep(0.5)
    pytest.fail(f"not said within {seconds} s: {words!r}; instead:\n{log.read_text()}")
