"""The boards of the sample, written and served once."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ops.boards import Release, write
from ops.project import QUIET, ROOT, Settings


@pytest.fixture(scope="session")
def boards(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the written boards, a project of dbt Charts."""
    os.environ.update(QUIET, PUBLISHED_DB=str(sample_release.published))
    folder = tmp_path_factory.mktemp("boards") / "dashboards"
    write(folder, Release.read(sample_release.published))
    return folder


@pytest.fixture(scope="session")
def release(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sample's release, for plain SQL beside the boards: a copy, for DuckDB opens a file in one way per process."""
    copy = tmp_path_factory.mktemp("release") / "release.duckdb"
    shutil.copy2(sample_release.published, copy)
    with duckdb.connect(str(copy), read_only=True) as connection:
        connection.execute("set search_path = 'marts'")
        yield connection


@pytest.fixture(scope="session")
def charts(boards: Path) -> Iterator[Any]:
    """dbt Charts, at work on the written boards in this process."""
    from dbt_charts.agent_api.project_session import ProjectSession

    with ProjectSession.open(boards) as session:
        yield session


@pytest.fixture(scope="session")
def drawn(charts: Any, boards: Path) -> Callable[..., dict[str, list[dict[str, Any]]]]:
    """Rows of each query that a chart of a board draws: drawn("cockpit", month="2026-08")["sellers"]."""

    def rows(board: str, language: str = "en", **variables: str) -> dict[str, list[dict[str, Any]]]:
        path = charts.project.path_for_fspath(boards / "charts" / language / f"{board}.yml")
        result = charts.render_board(path.read_board(), variables=variables, format="data", use_cache=False)
        assert result.status == "ok", [result.board_error, *result.chart_errors]
        return {name: query["rows"] for name, query in result.data["queries"].items()}

    return rows


@pytest.fixture(scope="session")
def told(charts: Any, boards: Path) -> Callable[..., dict[str, Any]]:
    """The row that titles and text of an English board are written from: told("cockpit", "advice", month="2026-08")."""

    def row(board: str, query: str, **variables: str) -> dict[str, Any]:
        result = charts.query_board(query, boards / "charts" / "en" / f"{board}.yml", variables)
        (only,) = result.data
        return only

    return row


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Address of the boards of a release, as `make dashboards` serves them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = ROOT / "build" / "test" / f"dashboards-{port}"
    log = folder.with_suffix(".log")
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "ops.boards", "--port", str(port), "--to", str(folder)],
            cwd=ROOT, env=settings.environment, stdout=out, stderr=subprocess.STDOUT,
        )
        try:
            for _ in range(240):
                with suppress(urllib.error.URLError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health"):
                    break
                assert server.poll() is None, log.read_text()
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def served(sample_release: Settings) -> Iterator[str]:
    """Address of the sample's boards."""
    with serving(sample_release) as address:
        yield address


@pytest.fixture(scope="session")
def serve_boards() -> Callable[[Settings], Any]:
    return serving
