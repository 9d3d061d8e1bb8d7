"""The documentation of the sample, written once for all tests that read it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ops.docs.release import Release, read_release
from ops.project import ROOT, Settings

FOLDER = ROOT / "build" / "test" / "docs"


@pytest.fixture(scope="session")
def docs(sample_release: Settings) -> Path:
    """The folder that `make docs` writes, of the sample; by the first worker of a test run that asks."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    written = FOLDER.with_name("docs.run")
    with FOLDER.with_name(".docs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not written.is_file() or written.read_text() != run:
            done = subprocess.run(
                [sys.executable, "-m", "ops.docs", "--to", str(FOLDER)],
                cwd=ROOT, env=sample_release.environment, capture_output=True, text=True, check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            written.write_text(run)
    return FOLDER


@pytest.fixture(scope="session")
def manifest(docs: Path, sample_release: Settings) -> Mapping[str, Any]:
    """dbt's manifest, as the documentation took it."""
    return json.loads((sample_release.warehouse.parent / "dbt_docs" / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def release(sample_release: Settings) -> Release:
    return read_release(sample_release.published)


class Read(HTMLParser):
    """A page's links, anchors, headings and text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.headings: list[str] = []
        self.text = ""
        self._heading = False
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.text += " " if tag in ("td", "th", "dt", "dd", "li", "p") else ""
        if given.get("id"):
            self.anchors.add(given["id"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif given.get("src") or (tag == "link" and given.get("href")):
            self.loaded.append(given.get("src") or given["href"])
        if tag in ("h1", "h2", "h3"):
            self._heading = True
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        self._heading = self._heading and tag not in ("h1", "h2", "h3")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._heading:
            self.headings[-1] += data
