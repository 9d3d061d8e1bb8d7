"""Simulated marketplaces, and whole ones through `make build`, each in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ops.project import ROOT


def build(folder: Path, **settings: str) -> duckdb.DuckDBPyConnection:
    """Builds, checks and publishes into a folder; the release, read-only. Fails when anything did not pass."""
    published = folder / "published" / "marketplace.duckdb"
    done = subprocess.run(
        [sys.executable, "-m", "ops.build"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={
            "PATH": os.environ["PATH"], "WAREHOUSE_DB": str(folder / "warehouse.duckdb"),
            "LANDING_DIR": str(folder / "landing"), "PUBLISHED_DB": str(published),
            "DBT_TARGET_PATH": str(folder / "target"), **settings,
        },
    )
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-5000:]
    return duckdb.connect(str(published), read_only=True)


def simulate(folder: Path, **settings: str | int) -> Path:
    """Simulates the extracts of a market up to 31 October 2026; settings as of the command line.

    These markets are small: most of their orders come in a session, so that there are carts and visitors to judge.
    """
    settings = {"session_conversion": 0.2, **settings}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    subprocess.run(
        [sys.executable, "-m", "ops.simulate", "--out", str(folder), "--end", "2026-10-31", *options],
        cwd=ROOT, check=True, capture_output=True,
    )
    return folder


@pytest.fixture(scope="session")
def simulate_market() -> Callable[..., Path]:
    return simulate


@pytest.fixture(scope="session")
def build_market() -> Callable[..., duckdb.DuckDBPyConnection]:
    return build
