"""Superset on the sample as `make superset` serves it: its figures, a new release under it, its dashboard in a browser.

Needs the environment .venv-superset and, for the dashboard, Debian's Chromium (make test-superset).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Page, Request, Response, expect, sync_playwright

from ops.project import ROOT, Settings
from ops.superset import ADMIN, BUNDLE, DASHBOARD

VENV = ROOT / ".venv-superset"
CHROMIUM = Path("/usr/bin/chromium")
PASSWORD = "a word of the test"
PATIENCE = 90_000  # milliseconds, on a machine that has other things to do

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (VENV / "made").exists(), reason="no Superset environment (make test-superset)"),
]

TILES = {"gmv": "Gross merchandise value", "orders": "Orders", "aov": "Average order value"}
TILES |= {"period_buyers": "Buyers", "active_sellers": "Sellers"}


@dataclass
class Server:
    """A Superset that answers, and the release it reads."""

    url: str
    release: Path
    token: str = field(default="", repr=False)

    def ask(self, path: str, body: Any = None) -> Any:
        """What the API answers. Raises HTTPError on anything but success."""
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def values(self, table: str, metrics: list[str], filters: dict[str, Any], by: tuple[str, ...] = ()) -> list[dict]:
        """Rows of a data set, as a chart gets them."""
        datasets = self.ask("/api/v1/dataset/")["result"]
        (number,) = (dataset["id"] for dataset in datasets if dataset["table_name"] == table)
        query = {
            "columns": list(by),
            "metrics": metrics,
            "filters": [{"col": name, "op": "==", "val": value} for name, value in filters.items()],
        }
        answer = self.ask("/api/v1/chart/data", {"datasource": {"id": number, "type": "table"}, "queries": [query]})
        return answer["result"][0]["data"]

    def sql(self, query: str) -> list[tuple]:
        """What the release says."""
        with duckdb.connect(str(self.release), read_only=True) as release:
            return release.execute(query).fetchall()


@pytest.fixture(scope="module")
def server(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("superset")
    release = Path(shutil.copy2(sample_release.published, folder / "marketplace.duckdb"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "PUBLISHED_DB": str(release),
        "SUPERSET_HOME": str(folder / "home"),
        "SUPERSET_PORT": str(port),
        "SUPERSET_PASSWORD": PASSWORD,
    }
    running = subprocess.Popen(
        [VENV / "bin" / "python", "-m", "ops.superset"], cwd=ROOT, env={"PATH": os.environ["PATH"], **settings},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    answering = Server(f"http://127.0.0.1:{port}", release)
    try:
        told = "".join(iter(running.stdout.readline, ""))  # until its output goes to the log
        assert running.poll() is None, told
        login = {"username": ADMIN, "password": PASSWORD, "provider": "db"}
        for _ in range(60):
            try:
                answering.token = answering.ask("/api/v1/security/login", login)["access_token"]
                break
            except urllib.error.URLError:
                time.sleep(1)
        assert answering.token, (folder / "home" / "server.log").read_text()
        yield answering
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(timeout=60)


def test_figures_are_those_of_the_release(server: Server) -> None:
    for table, grain in (("kpi_month", {}), ("kpi_scorecard", {"period_grain": "month"})):
        shown = server.values(table, ["kpi_value"], {"segment": "all", **grain}, by=("kpi_id", "month"))
        expected = server.sql(
            "select kpi_id, strftime(period_start, '%Y-%m'), value from marts.kpi_month where dimension = 'all'"
        )
        assert {(row["kpi_id"], row["month"]): row["kpi_value"] for row in shown} == {
            (kpi, month): value for kpi, month, value in expected
        }


def test_what_must_not_be_added_is_not(server: Server) -> None:
    (row,) = server.values("kpi_month", ["kpi_value"], {"kpi_id": "gmv"})  # every month and segment
    assert row == {"kpi_value": None}


def publish(release: Path, gmv: float) -> None:
    """A release like the one that is there, in which the GMV of all months is another."""
    new = Path(shutil.copy2(release, release.with_suffix(".new")))
    with duckdb.connect(str(new)) as connection:
        connection.execute("update marts.kpi_month set value = ? where kpi_id = 'gmv' and dimension = 'all'", [gmv])
        connection.execute("checkpoint")
    new.replace(release)


def test_new_releases_appear_under_it_without_an_error(server: Server) -> None:
    asked = {"kpi_id": "gmv", "month": "2026-09", "segment": "all"}
    stopped = threading.Event()
    seen: list[tuple[float, float]] = []  # when it was asked, what it said
    faults: list[Exception] = []

    def ask_on() -> None:
        while not stopped.is_set():
            began = time.monotonic()
            try:
                (row,) = server.values("kpi_month", ["kpi_value"], asked)
                seen.append((began, row["kpi_value"]))
            except Exception as fault:
                faults.append(fault)

    kept = server.release.read_bytes()
    readers = [threading.Thread(target=ask_on) for _ in range(4)]
    (first,) = server.values("kpi_month", ["kpi_value"], asked)
    published: list[tuple[float, float]] = [(time.monotonic(), first["kpi_value"])]
    for reader in readers:
        reader.start()
    try:
        for gmv in (1000001.0, 1000002.0, 1000003.0):
            time.sleep(2)
            publish(server.release, gmv)
            published.append((time.monotonic(), gmv))
        time.sleep(2)
    finally:
        stopped.set()
        for reader in readers:
            reader.join()
        new = server.release.with_suffix(".new")
        new.write_bytes(kept)
        new.replace(server.release)
    assert faults == []
    values = [value for _, value in published]
    for began, value in seen:
        in_force = sum(when <= began for when, _ in published) - 1
        assert value in values[in_force:], f"asked after {values[in_force]} was published, it said {value}"
    assert {value for _, value in seen} == set(values)


@dataclass
class Visit:
    """A dashboard opened in a browser: its page, what it asked for, and what it complained of."""

    page: Page
    requests: list[Request]
    answers: list[Response]
    complaints: list[str]

    def shown(self) -> dict[str, list[dict]]:
        """The latest rows each chart got, by its name on the page."""
        rows = {}
        names = {chart["id"]: chart["slice_name"] for chart in self.page.request.get("/api/v1/chart/").json()["result"]}
        for answer in self.answers:
            number = answer.request.post_data_json["form_data"].get("slice_id")
            if number in names:
                rows[names[number]] = answer.json()["result"][0]["data"]
        return rows


@pytest.fixture
def visit(server: Server) -> Iterator[Visit]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(base_url=server.url, viewport={"width": 1440, "height": 2400}).new_page()
        page.set_default_timeout(PATIENCE)
        visit = Visit(page, [], [], [])
        page.on("request", lambda sent: visit.requests.append(sent))
        page.on("response", lambda got: visit.answers.append(got) if "/api/v1/chart/data" in got.url else None)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("console", lambda said: visit.complaints.append(said.text) if said.type == "error" else None)
        page.goto("/login/")
        page.fill("#username", ADMIN)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        page.goto(DASHBOARD)
        settle(page)
        yield visit
        browser.close()


def settle(page: Page) -> None:
    """Wait until every chart of the bundle is drawn."""
    holders = page.locator(".dashboard-component-chart-holder")
    expect(holders).to_have_count(len(list(BUNDLE.glob("charts/*.yaml"))), timeout=PATIENCE)
    page.wait_for_load_state("networkidle")
    expect(holders.locator(".loading")).to_have_count(0, timeout=PATIENCE)


def test_the_dashboard_is_drawn_with_the_figures_of_the_release(visit: Visit, server: Server) -> None:
    ((month,),) = server.sql("select max(period_start) from marts.kpi_month where not is_partial")
    shown = visit.shown()
    written_on_tiles = visit.page.locator(".superset-legacy-chart-big-number .header-line").all_inner_texts()
    assert len(written_on_tiles) == len(TILES)
    for kpi, title in TILES.items():
        ((value, written),) = server.sql(
            f"select value, value_text from marts.kpi_month where kpi_id = '{kpi}' and dimension = 'all'"
            f" and period_start = date '{month}'"
        )
        assert shown[title] == [{"kpi_value": value}]
        assert written in written_on_tiles
    line = server.sql(
        "select value from marts.kpi_month where kpi_id = 'gmv' and dimension = 'all' order by period_start"
    )
    assert [(row["kpi_value"],) for row in shown["Gross merchandise value by month"]] == line
    scorecard = server.sql(
        "select label_en, status, recommended_action from marts.kpi_scorecard where period_grain = 'month'"
        f" and dimension = 'all' and period_start = date '{month}' and status in ('alert', 'warn', 'good')"
    )
    rows = shown["Scorecard: KPIs with a target"]
    assert {(row["label_en"], row["status"], row["recommended_action"]) for row in rows} == set(scorecard)
    assert visit.page.locator("canvas").count() == 6
    assert visit.page.locator("[data-test='error-message'], .ant-alert-error").count() == 0
    assert visit.page.get_by_text("No results").count() == 0


def test_a_segment_chosen_on_the_dashboard_is_shown(visit: Visit, server: Server) -> None:
    ((segment, value),) = server.sql(
        "select 'country: ' || dimension_value, value from marts.kpi_month"
        " where kpi_id = 'gmv' and dimension = 'country' and period_start ="
        " (select max(period_start) from marts.kpi_month where not is_partial) limit 1"
    )
    chooser = visit.page.locator("[data-test='form-item-value']", has=visit.page.locator("[title='all']"))
    chooser.locator("input").fill(segment)
    visit.page.locator(".ant-select-item-option", has_text=segment).first.click()
    visit.page.get_by_role("button", name="Apply").click()
    settle(visit.page)
    assert visit.shown()["Gross merchandise value"] == [{"kpi_value": value}]


def test_the_browser_asks_no_one_else_and_complains_of_nothing(visit: Visit, server: Server) -> None:
    others = [request for request in visit.requests if not request.url.startswith((server.url, "data:", "blob:"))]
    # the pixel of Superset's pages is stopped before it is asked for
    assert {request.failure for request in others} <= {"csp"}
    blocked = {request.url.split("/")[2] for request in others}
    assert [said for said in visit.complaints if not any(host in said for host in blocked)] == []
