"""A headless Chromium for the tests that open pages, and what each page is asked.

Where Chromium is not installed these tests are skipped; with CI=true they fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
LAPTOP, PHONE = (1440, 900), (390, 844)
HERE = {"127.0.0.1", "localhost"}


@dataclass
class Watched:
    """A page with what it complained about and whom it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """What axe calls serious or critical: rule, and where."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [
            f"{rule['id']}: {node['target'][0]}"
            for rule in found if rule["impact"] in ("serious", "critical") for node in rule["nodes"]
        ]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    if not CHROMIUM.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Chromium at {CHROMIUM}")
        pytest.skip("no Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, address: str, size: tuple[int, int] = LAPTOP) -> Iterator[Watched]:
    """A page that is opened and drawn. A file is opened by its file:// address and asks nobody."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, has_touch=size == PHONE,
                                  is_mobile=size == PHONE)
    page = context.new_page()
    watched = Watched(page)
    page.on("console", lambda said: watched.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))

    def note(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "file") and parts.hostname not in HERE:
            watched.strangers.append(url)

    page.on("request", lambda request: note(request.url))
    page.on("websocket", lambda socket: note(socket.url))
    page.goto(address, wait_until="load", timeout=60_000)
    page.evaluate("document.fonts.ready")
    yield watched
    context.close()
