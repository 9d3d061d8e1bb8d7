"""The environment of Spark, and a cluster of two processes."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops.project import ROOT, Settings
from ops.spark import QUICK

PYTHON = ROOT / ".venv-spark" / "bin" / "python"


@pytest.fixture(scope="session")
def spark_python() -> Path:
    """The Python of .venv-spark; without it there is nothing to test."""
    if not PYTHON.is_file():
        pytest.skip("skipped: no Spark environment (ops/setup.sh spark)")
    return PYTHON


@pytest.fixture
def run_on_spark(spark_python: Path, sample_release: Settings, tmp_path: Path) -> Callable[..., str]:
    """Runs a module in the environment of Spark, on what the sample landed; what it printed. Fails when it does."""

    def run(*arguments: str, **settings: str) -> str:
        environment = {
            **sample_release.environment, **QUICK, "SPARK_LOCAL_IP": "127.0.0.1",
            "LANDING_DIR": str(sample_release.landing),
            "SPARK_WAREHOUSE": str(tmp_path / "spark"), "DBT_TARGET_PATH": str(tmp_path / "target"),
            "DBT_LOG_PATH": str(tmp_path / "logs"), **settings,
        }
        done = subprocess.run(
            [spark_python, "-m", *arguments],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        assert done.returncode == 0, done.stdout[-20000:]
        return done.stdout

    return run


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
