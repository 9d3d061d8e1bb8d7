"""Boards in a real browser: drawn at both widths, quiet, reachable by keyboard, legible, and moved by their filters."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser, Page

from ops.boards import NO_BOARD, SOURCES
from ops.project import Settings
from tests.python.browser import LAPTOP, PHONE, opened

# The report is made for paper and opened as a file (test_period_report.py).
JOINER = "\u2060"
BOARDS = sorted(path.stem for path in SOURCES.glob("*.yml") if path.name not in (*NO_BOARD, "report.yml"))
FAMILIES = ["acquisition", "traffic", "conversion", "sales", "loyalty", "satisfaction", "seller_quality", "balance"]
# Text whose ink is nearer to white than 4.5 : 1, boards being white. Text without ink is dct's way to measure;
# a sign alone is a button that does nothing on a table's first page.
FAINT = """() => [...document.querySelectorAll('svg text')].filter(text => {
  const style = getComputedStyle(text), ink = (style.fill.match(/[\\d.]+/g) || []).slice(0, 3).map(Number);
  const seen = parseFloat(style.fillOpacity) * parseFloat(style.opacity);
  if (!/[\\p{L}\\p{N}]/u.test(text.textContent) || seen === 0 || ink.length < 3) return false;
  const light = ink.map(v => (v * seen + 255 * (1 - seen)) / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4));
  return 1.05 / (0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] + 0.05) < 4.5;
}).map(text => text.textContent.trim())"""


def text_of(page: Page) -> str:
    return page.locator("body").text_content().replace(JOINER, "")


def address(served: str, board: str, language: str, size: tuple[int, int]) -> str:
    return f"{served}/{language}/{'phone/' if size == PHONE else ''}{board}/"


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize(("board", "language"), [(board, "en") for board in BOARDS + FAMILIES] + [("cockpit", "fr")])
def test_board(chromium: Browser, served: str, board: str, language: str, size: tuple[int, int]) -> None:
    with opened(chromium, address(served, board, language, size), size) as watched:
        page = watched.page
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("[data-dbt-board] > svg text").count() > 50
        assert "ERR-" not in text_of(page)
        # as wide as the window and no wider; drawn in the size it is meant for
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        meant_for = page.locator("[data-dbt-board] > svg").evaluate("svg => svg.viewBox.baseVal.width")
        assert 0.95 < size[0] / meant_for < 1.25
        assert not page.evaluate(FAINT)
        assert not watched.violations()
        assert not watched.complaints and not watched.strangers


def test_a_narrow_window_gets_the_narrow_board(chromium: Browser, served: str) -> None:
    with opened(chromium, f"{served}/fr/cockpit/?month=2026-08", PHONE) as watched:
        watched.page.wait_for_url(f"{served}/fr/phone/cockpit/?month=2026-08")


def test_a_filter_changes_the_numbers(chromium: Browser, served: str, drawn: Callable) -> None:
    with opened(chromium, f"{served}/en/cockpit/") as watched:
        page = watched.page
        latest, august = (drawn("cockpit", month=month)["at_a_glance"] for month in ("latest", "2026-08"))
        assert all(line["value"].replace(JOINER, "") in text_of(page) for line in latest)
        page.get_by_role("combobox", name="Month").click()
        page.get_by_role("option", name="2026-08").click()
        page.wait_for_url("**month=2026-08**")
        assert all(line["value"].replace(JOINER, "") in text_of(page) for line in august)
        assert august[0]["value"] != latest[0]["value"]


def test_a_filter_without_a_choice_is_as_at_the_beginning(chromium: Browser, served: str, drawn: Callable) -> None:
    with opened(chromium, f"{served}/en/cockpit/?month=&cut=category") as watched:
        assert watched.page.url == f"{served}/en/cockpit/?cut=category"
        latest = drawn("cockpit")["at_a_glance"]
        assert all(line["value"].replace(JOINER, "") in text_of(watched.page) for line in latest)
        watched.page.get_by_role("combobox", name="Month").click()
        assert watched.page.get_by_role("option", name="All", exact=True).count() == 0


def test_every_filter_and_link_is_reached_by_keyboard(chromium: Browser, served: str) -> None:
    with opened(chromium, f"{served}/en/sales/") as watched:
        page = watched.page
        reached = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            reached.add(page.evaluate(
                "(at => at.getAttribute('aria-label') || at.textContent.trim())(document.activeElement)"))
        assert {"Month", "Segment", "Seller", "KPI", "By", "Cockpit", "Scorecard", "Français"} <= reached
        page.keyboard.press("Home")
        page.get_by_role("combobox", name="Month").focus()
        page.keyboard.press("Enter")
        assert page.get_by_role("option", name="2026-08").is_visible()


def test_a_row_leads_to_its_kpi(chromium: Browser, served: str) -> None:
    with opened(chromium, f"{served}/en/sales/") as watched:
        watched.page.get_by_role("link", name="Take rate").first.click()
        watched.page.wait_for_url("**kpi=Take%20rate**")
        assert "Take rate = " in text_of(watched.page)


def test_what_is_not_there_is_said(chromium: Browser, served: str) -> None:
    with opened(chromium, f"{served}/en/sales/?month=2031-01&kpi=nonsense") as watched:
        assert "no such period" in text_of(watched.page) and "no such KPI" in text_of(watched.page)
        assert not watched.complaints


def test_a_new_release_is_there_at_the_next_look(
    chromium: Browser, sample_release: Settings, tmp_path: Path, serve_boards: Callable,
) -> None:
    published, new = tmp_path / "published.duckdb", tmp_path / "new.duckdb"
    for copy in (published, new):
        shutil.copy2(sample_release.published, copy)
    settings = Settings.from_environment({**sample_release.environment, "PUBLISHED_DB": str(published)})
    with serve_boards(settings) as address, opened(chromium, f"{address}/en/cockpit/") as watched:
        assert "Transactions sold" not in text_of(watched.page)
        with duckdb.connect(str(new)) as release:
            release.execute("update marts.dim_kpi set label_en = 'Transactions sold' where kpi_id = 'transactions'")
        new.rename(published)
        watched.page.reload()
        assert "Transactions sold" in text_of(watched.page)
