"""The pages in a real browser: nothing is complained of, nobody else is asked, everyone can use them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from ops.docs.site import write_dbt_page
from tests.python.browser import LAPTOP, PHONE, opened
from tests.python.docs.test_site import with_exposure

# One page of each kind, in both languages where there are two.
KINDS = [
    "index.html", "glossary.html", "glossary.html?q=panier", "kpi/late_shipment_rate.html", "kpi/kept_sales_rate.html",
    "extracts.html", "tables.html#fct_orders", "quality.html", "guides.html", "guides/operating.html",
    "reference/decisions.html", "project/README.html", "expectations.html", "fr/index.html", "fr/glossary.html",
    "fr/kpi/late_shipment_rate.html", "fr/extracts.html", "fr/tables.html", "fr/quality.html", "fr/guides.html",
]
# What axe finds serious or critical on dbt's own page; it is dbt's to put right.
OF_DBT = {"color-contrast", "link-in-text-block"}


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_every_page_opens_without_a_complaint_and_fits(docs: Path, chromium: Browser, size: tuple[int, int]) -> None:
    pages = sorted(path for path in docs.rglob("*.html") if path.name != "static_index.html")
    faults = {}
    with opened(chromium, pages[0].as_uri(), size) as watched:
        for path in pages:
            watched.complaints.clear()
            watched.page.goto(path.as_uri())
            said = list(watched.complaints)
            said += [] if watched.page.locator("h1").count() == 1 else ["not one first heading"]
            said += [] if fits(watched.page) else ["wider than the window"]
            if said:
                faults[str(path.relative_to(docs))] = said
        assert faults == {}
        assert watched.strangers == []
    assert len(pages) > 2


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_contrast_names_and_labels_are_in_order(docs: Path, chromium: Browser, size: tuple[int, int]) -> None:
    faults = {}
    for kind in KINDS:
        with opened(chromium, f"{docs.as_uri()}/{kind}", size) as watched:
            if found := watched.violations():
                faults[kind] = found
    assert faults == {}


def test_axe_sees_what_is_wrong(docs: Path, chromium: Browser) -> None:
    with opened(chromium, (docs / "index.html").as_uri()) as watched:
        watched.page.evaluate("document.querySelector('.lead').style.color = '#ccc'")
        assert [fault.split(":")[0] for fault in watched.violations()] == ["color-contrast"]


def shown(page: Page) -> list[str]:
    return page.eval_on_selector_all(".kpis li", "items => items.filter(i => i.offsetParent).map(i => i.dataset.id)")


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("panier moyen", "aov"), ("average order value", "aov"), ("aov", "aov"), ("TAUX DE REBOND", "bounce_rate"),
        ("délai de traitement des commandes", "processing_time_median"), ("delai traitement", "processing_time_median"),
        ("taux d'annulation", "cancellation_rate"), ("note moyenne des avis", "avg_rating"),
        ("late shipment", "late_shipment_rate"),
    ],
)
@pytest.mark.parametrize("language", ["", "fr/"], ids=["english", "french"])
def test_the_glossary_finds_by_words_of_both_languages(
    docs: Path, chromium: Browser, language: str, words: str, first: str
) -> None:
    with opened(chromium, f"{docs.as_uri()}/{language}glossary.html") as watched:
        watched.page.fill("#q", words)
        assert first in shown(watched.page)[:3]
        assert shown(watched.page)[0] == first or words == "late shipment" or "delai" in words


def test_the_glossary_finds_in_definitions_and_says_where_nothing_is(docs: Path, chromium: Browser) -> None:
    with opened(chromium, (docs / "glossary.html").as_uri()) as watched:
        everything = shown(watched.page)
        watched.page.fill("#q", "ship-by time")
        assert "shipping_rate" in shown(watched.page)
        watched.page.fill("#q", "zeppelin")
        assert shown(watched.page) == []
        assert watched.page.inner_text("#found") == "No KPI has these words."
        watched.page.fill("#q", "")
        assert shown(watched.page) == everything


def test_a_family_is_shown_alone(docs: Path, chromium: Browser) -> None:
    with opened(chromium, (docs / "glossary.html").as_uri()) as watched:
        page = watched.page
        page.click("button[data-family=loyalty]")
        own = shown(page)
        assert 0 < len(own) < page.locator(".kpis li").count()
        left = page.eval_on_selector_all(".kpis li:not([hidden])", "items => items.map(i => i.dataset.family)")
        assert set(left) == {"loyalty"}
        assert page.get_attribute("button[data-family=loyalty]", "aria-pressed") == "true"
        assert page.inner_text("#found") == f"{len(own)} KPIs"
        page.fill("#q", "rate")
        assert set(shown(page)) < set(own)
        page.reload()
        assert page.input_value("#q") == "rate"
        assert set(shown(page)) < set(own)


def test_a_definition_is_reached_by_keyboard_alone(docs: Path, chromium: Browser) -> None:
    with opened(chromium, (docs / "glossary.html").as_uri()) as watched:
        page = watched.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        for _ in range(5):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "q":
                break
        page.keyboard.type("average order")
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('.kpis a')"):
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**/kpi/aov.html")
        assert page.inner_text("h1") == "Average order value"


@pytest.mark.parametrize("kind", ["glossary.html", "kpi/late_shipment_rate.html", "tables.html"])
def test_focus_is_seen_and_goes_through_the_page(docs: Path, chromium: Browser, kind: str) -> None:
    with opened(chromium, f"{docs.as_uri()}/{kind}") as watched:
        for _ in range(12):
            watched.page.keyboard.press("Tab")
            outline = watched.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", watched.page.evaluate("document.activeElement.outerHTML")


def test_the_other_language_shows_the_same_page(docs: Path, chromium: Browser) -> None:
    with opened(chromium, f"{docs.as_uri()}/glossary.html?q=panier") as watched:
        page = watched.page
        page.click(".language")
        page.wait_for_url("**/fr/glossary.html?q=panier")
        assert page.get_attribute("html", "lang") == "fr"
        assert shown(page)[0] == "aov"
        page.click(".kpis a")
        assert page.inner_text("h1") == "Panier moyen"
        page.click(".language")
        assert page.inner_text("h1") == "Average order value"


def test_any_page_finds_a_kpi(docs: Path, chromium: Browser) -> None:
    with opened(chromium, (docs / "fr" / "kpi" / "aov.html").as_uri()) as watched:
        watched.page.fill(".find input", "nps")
        watched.page.keyboard.press("Enter")
        watched.page.wait_for_url("**/fr/glossary.html?q=nps")
        assert shown(watched.page)[0] == "nps"


def test_a_table_is_opened_by_its_address_and_shows_its_joins(docs: Path, chromium: Browser) -> None:
    with opened(chromium, f"{docs.as_uri()}/tables.html#fct_returns") as watched:
        page = watched.page
        assert page.locator("#fct_returns").get_attribute("open") is not None
        page.hover(".entities [data-key=fct_returns]")
        ends = page.eval_on_selector_all(".entities path.on", "lines => lines.map(l => l.dataset.end)")
        assert ends == ["fct_order_lines"]


def wait_for(page: Page, place: str, *words: str) -> None:
    """Until a place of the page says all of these words, wherever its lines break."""
    page.wait_for_function(
        "([place, words]) => { const close = text => (text || '').replace(/\\s+/g, '');"
        " const said = close(document.querySelector(place)?.innerText);"
        " return words.every(word => said.includes(close(word))) }",
        arg=[place, list(words)], timeout=120_000,
    )


@pytest.fixture
def dbt_page(chromium: Browser, docs: Path) -> Iterator[Page]:
    with opened(chromium, (docs / "static_index.html").as_uri()) as watched:
        wait_for(watched.page, ".app-content", "How a row travels")
        yield watched.page
        assert watched.complaints == []
        assert watched.strangers == []


def test_dbts_page_begins_with_our_overview_and_keeps_terms_apart(dbt_page: Page) -> None:
    assert "Welcome to the auto-generated documentation" not in dbt_page.inner_text(".app-content")
    wait_for(dbt_page, ".app-menu", "Sources", "extracts", "KPIs: seller quality", "Terms: seller quality")


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("metric/metric.marketplace_kpis.aov", "Head of finance"),
        ("model/model.marketplace_kpis.kpi_sales", "numerator"),
        ("source/source.marketplace_kpis.extracts.orders", "order_id"),
    ],
)
def test_dbts_page_shows_what_the_other_pages_link_to(docs: Path, dbt_page: Page, node: str, said: str) -> None:
    dbt_page.goto(f"{(docs / 'static_index.html').as_uri()}#!/{node}")
    wait_for(dbt_page, ".app-content", node.rpartition(".")[2], said)


def test_dbts_page_shows_boards_with_their_owner(
    chromium: Browser, manifest: dict[str, Any], sample_release: Any, tmp_path: Path
) -> None:
    write_dbt_page(sample_release.warehouse.parent / "dbt_docs", with_exposure(manifest), tmp_path)
    address = f"{(tmp_path / 'static_index.html').as_uri()}#!/exposure/exposure.marketplace_kpis.board_of_sales"
    with opened(chromium, address) as watched:
        wait_for(watched.page, ".app-content", "Sales <board>", "Head of finance", "kpi_sales")
        wait_for(watched.page, ".app-menu", "Exposures", "Dashboard")


def test_what_axe_finds_on_dbts_page_is_dbts(chromium: Browser, docs: Path) -> None:
    with opened(chromium, (docs / "static_index.html").as_uri()) as watched:
        wait_for(watched.page, ".app-content", "How a row travels")
        assert {fault.split(":")[0] for fault in watched.violations()} == OF_DBT


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def test_the_folder_works_from_a_web_server_too(docs: Path, chromium: Browser) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(docs))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with opened(chromium, f"http://127.0.0.1:{server.server_port}/") as watched:
            page = watched.page
            page.click("nav >> text=KPIs")
            page.fill("#q", "panier moyen")
            page.click("#results a")
            assert page.inner_text("h1") == "Average order value"
            page.click(".picture >> text=kpi_sales")
            page.wait_for_url("**/static_index.html**", timeout=120_000)
            wait_for(page, ".app-content", "kpi_sales", "numerator")
            assert watched.complaints == []
            assert watched.strangers == []
        server.shutdown()
