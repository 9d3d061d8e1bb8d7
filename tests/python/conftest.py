"""What several test files share."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.project import QUIET, ROOT, Settings
from tests.python.browser import chromium  # noqa: F401 - a fixture

BUILD = ROOT / "build" / "test"
# The sample as `make test` builds it; the settings of whoever runs the tests are left aside.
SAMPLE = {
    "LANDING_DIR": str(BUILD / "landing"),
    "WAREHOUSE_DB": str(BUILD / "warehouse.duckdb"),
    "PUBLISHED_DB": str(BUILD / "published" / "marketplace.duckdb"),
    "DBT_TARGET_PATH": str(BUILD / "target"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spark before all: it takes longest, and would run alone at the end."""
    items.sort(key=lambda item: item.path.parent.name != "spark")


@pytest.fixture(scope="session")
def sample_release() -> Settings:
    """The sample, built, checked and published: by `make test` before the tests, else by the first test to ask."""
    settings = Settings.from_environment({"PATH": os.environ["PATH"], **SAMPLE})
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not settings.published.is_file():
            done = subprocess.run(
                [sys.executable, "-m", "ops.build"],
                cwd=ROOT, env=settings.environment, capture_output=True, text=True, check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
    return settings


@pytest.fixture
def copy_of_sample(sample_release: Settings, tmp_path: Path) -> Settings:
    """A copy of the sample's build and release, free to be spoiled."""
    copies = {}
    for name, source in SAMPLE.items():
        target = tmp_path / name.lower() / Path(source).name
        if Path(source).is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            target.parent.mkdir()
            shutil.copy2(source, target)
        copies[name] = str(target)
    return Settings.from_environment({"PATH": os.environ["PATH"], **copies})


def dbt(folder: Path, *arguments: str, project: Path = ROOT, **settings: str) -> subprocess.CompletedProcess:
    """Runs dbt in a process of its own: warehouse, target and logs lie in the given folder; output is in stdout."""
    files = {
        "WAREHOUSE_DB": str(folder / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_PROFILES_DIR": str(project),
        "DBT_PROJECT_DIR": str(project),
    }
    return subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", *arguments],
        cwd=project, env={"PATH": os.environ["PATH"], **QUIET, **files, **settings},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )


@pytest.fixture(scope="session")
def run_dbt() -> Callable[..., subprocess.CompletedProcess]:
    return dbt
