"""`make report` writes files that say what the release says, to whoever opens them, wherever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser

from ops.period_report import A4, PAGES, WRONG_USE, main, period_asked, write_report
from ops.project import Settings
from tests.python.browser import LAPTOP, PHONE, opened

QUARTER = "2026-Q3"
TITLES = {
    "en": ["Against the targets", "Sellers at risk and what to do next", "What was done", "Not final, or left out"],
    "fr": ["Face aux objectifs", "Vendeurs à risque et prochaines étapes", "Ce qui a été fait", "laissé de côté"],
}
HEADLINES = ["gmv", "platform_revenue", "transactions", "period_buyers", "active_sellers", "buyer_seller_ratio"]


@pytest.fixture(scope="module")
def reports(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """HTML and PDF of the latest final month in English, of a quarter in French."""
    folder = tmp_path_factory.mktemp("report")
    latest = period_asked("", sample_release.published)
    return {
        "en": tuple(write_report(latest, "en", sample_release.published, folder)),
        "fr": tuple(write_report(QUARTER, "fr", sample_release.published, folder)),
    }


def read(pdf: Path) -> str:
    from pypdf import PdfReader

    pages = [page.extract_text() for page in PdfReader(pdf).pages]
    assert all(pages), "a page without text"
    return plain("\n".join(pages))


def plain(text: str) -> str:
    """Without what is not seen: the boards' word joiners, the kinds of spaces, the ends of lines."""
    return " ".join(text.replace("\u2060", "").replace("\u200b", "").split())


def headlines(
    release: duckdb.DuckDBPyConnection, period: str, language: str, is_phone: bool = False
) -> list[tuple[str, str]]:
    """Label and value of the KPIs at the head, by plain SQL, as a person of that language writes them; on a phone,
    amounts of a thousand and more have no cents."""
    grain, start = ("quarter", "2026-07-01") if period == QUARTER else ("month", f"{period}-01")
    rows = release.execute(
        f"select label_{language}, value, format from kpi_scorecard where kpi_id in {tuple(HEADLINES)}"
        " and period_grain = ? and period_start = ? and dimension = 'all'", [grain, start]).fetchall()
    assert len(rows) == len(HEADLINES)
    forms = {"#,##0": ",.0f", "0": ",.0f", "#,##0.00": ",.2f", "0.00": ",.2f", "0.0": ",.1f"}
    written = [
        (label, format(value, ",.0f" if is_phone and shape == "#,##0.00" and value >= 1000 else forms[shape]))
        for label, value, shape in rows
    ]
    if language == "fr":
        written = [(label, text.replace(",", " ").replace(".", ",")) for label, text in written]
    return written


@pytest.mark.parametrize("language", ["en", "fr"])
def test_html_opens_alone_and_says_what_the_release_says(
    reports: dict[str, tuple[Path, Path]], chromium: Browser, release: duckdb.DuckDBPyConnection, language: str
) -> None:
    page = reports[language][0]
    for size in (LAPTOP, PHONE):
        with opened(chromium, page.as_uri(), size) as seen:
            asked = seen.page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
            assert not [url for url in asked if not url.startswith(("data:", "blob:"))]
            assert not seen.strangers and not seen.complaints
            assert seen.page.evaluate("document.documentElement.lang") == language
            assert seen.page.evaluate("document.fonts.size") > 0
            boards = seen.page.locator(".dbt-charts-svg-container > svg")
            (board,) = [one for one in boards.all() if one.is_visible()]
            text = plain(board.text_content() or "")
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= size[0]
            # not the board for paper made small: its own unit is about a pixel
            assert 0.9 < board.evaluate("svg => svg.clientWidth / svg.viewBox.baseVal.width") < 1.2
            for label, value in headlines(release, page.stem.removesuffix(f"-{language}"), language, size == PHONE):
                assert label in text and value in text, (label, value)
    with opened(chromium, page.as_uri()) as seen:
        assert not seen.violations()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_pdf_has_its_pages_and_their_text(
    reports: dict[str, tuple[Path, Path]], release: duckdb.DuckDBPyConnection, language: str
) -> None:
    from pypdf import PdfReader

    pdf = reports[language][1]
    pages = PdfReader(pdf).pages
    assert len(pages) == len(PAGES)
    for page in pages:
        assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(A4, abs=0.1)
    text = read(pdf)
    for label, value in headlines(release, pdf.stem.removesuffix(f"-{language}"), language):
        assert plain(label) in text and value in text, (label, value)
    for title in TITLES[language]:
        assert title in text


def test_rows_are_those_of_the_release(
    drawn: Callable[..., dict[str, list[dict[str, Any]]]], release: duckdb.DuckDBPyConnection, sample_release: Settings
) -> None:
    month = period_asked("", sample_release.published)
    rows = drawn("report", period=month)
    start = f"{month}-01"
    said = [row["label"].split(", EUR")[0] for row in rows["targets"]]
    held = release.execute(
        "select label_en || case dimension when 'all' then '' else ', ' || dimension || ' ' || dimension_value end"
        " from kpi_scorecard where period_grain = 'month' and period_start = ?"
        " and status in ('alert', 'warn', 'good')", [start]).fetchall()
    assert sorted(said) == sorted(label for (label,) in held)
    for bridge in ("traffic", "buyers"):
        parts = sorted(row["contribution"] for row in rows[f"bridge_{bridge}"])
        held = release.execute(
            "select contribution from gmv_bridge where bridge = ? and period_grain = 'month' and period_start = ?"
            " and compared_with = 'previous' order by 1", [bridge, start]).fetchall()
        assert parts == pytest.approx([part for (part,) in held])
    held = release.execute(
        "select seller_id from seller_next_steps where proposed_step <> 'none' order by 1").fetchall()
    assert sorted(row["seller"].split()[0] for row in rows["steps"]) == [seller for (seller,) in held][:25]
    held = release.execute(
        "select count(*) from dim_kpi as k left join kpi_scorecard as s on s.kpi_id = k.kpi_id and s.dimension = 'all'"
        " and s.period_grain = 'month' and s.period_start = ?"
        " where s.kpi_id is null or s.is_partial or not s.is_mature or not s.is_covered or s.value is null", [start])
    assert len(rows["left_out"]) == held.fetchone()[0]
    assert drawn("report", period="latest")["targets"] == rows["targets"]
    assert drawn("report", period=QUARTER)["changes"] != rows["changes"]


def test_a_segment_with_an_alert_of_its_own_is_told(drawn: Callable[..., dict[str, list[dict[str, Any]]]]) -> None:
    rows = drawn("report", period="2026-10")
    first = rows["targets"][0]
    assert (first["label"], first["status"]) == ("Late shipment rate, category kitchen", "✖ Alert")
    assert plain(first["gap"]) == "−18.61 pp"
    assert rows["actions"][0]["label"] == "✖ Late shipment rate, category kitchen"


def test_no_target_that_is_missed_is_called_reached(
    drawn: Callable[..., dict[str, list[dict[str, Any]]]], release: duckdb.DuckDBPyConnection
) -> None:
    missed = release.execute(
        "select distinct strftime(period_start, '%Y-%m'), label_en from kpi_scorecard"
        " where period_grain = 'month' and dimension = 'all' and status = 'good' and gap < 0 order by 1 desc"
    ).fetchall()
    assert missed
    for month in dict.fromkeys(month for month, _ in missed[:3]):
        rows = drawn("report", period=month)["targets"]
        near = {row["label"].split(", EUR")[0] for row in rows if row["status"] == "≈ Near the target"}
        assert near >= {label for of, label in missed if of == month}
        assert not [row for row in rows if row["status"] == "✔ On target" and row["gap"].startswith("−")]


def test_rates_change_in_points_and_means_rest_on_cases(drawn: Callable[..., dict[str, list[dict[str, Any]]]]) -> None:
    rows = drawn("report", period="2026-10")
    changes = {row["label"]: plain(row["change"]) for row in rows["changes"]}
    assert changes["Net promoter score (buyers)"] == "−29.3 points"
    assert changes["Buyer retention, period to period"] == "+5.8 pp"
    assert {plain(row["contribution"])[-3:] for row in rows["drivers"] if "delivery" in row["label"]} == {" pp"}
    evidence = {row["kpi"]: plain(row["evidence"]) for row in reversed(rows["steps"]) if row["kpi"]}
    assert evidence["Mean rating"] == "2.43 (14 reviews)"
    assert evidence["Order defect rate"].endswith(" of 53)")


def test_a_quarter_shows_nothing_after_it(drawn: Callable[..., dict[str, list[dict[str, Any]]]]) -> None:
    assert max(str(row["month"])[:7] for row in drawn("report", period=QUARTER)["gmv"]) == "2026-09"


@pytest.mark.parametrize(("asked", "reason"), [
    ("2026-13", "PERIOD: '2026-13' is no month"),
    ("September", "PERIOD: 'September' is no month"),
    ("2026-Q5", "PERIOD: '2026-Q5' is no month"),
    ("2031-01", "PERIOD: the release holds no 2031-01; its months are from "),
    ("0000", "PERIOD: the release holds no 0000; its years are from "),
])
def test_a_wrong_period_is_one_sentence(
    sample_release: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, asked: str, reason: str
) -> None:
    monkeypatch.setenv("PUBLISHED_DB", str(sample_release.published))
    assert main([asked]) == WRONG_USE
    said = capsys.readouterr()
    assert said.err.startswith(reason) and said.err.count("\n") == 1 and not said.out


def test_a_wrong_language_and_no_release_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert main(["--language", "de"]) == WRONG_USE
    assert "--language" in capsys.readouterr().err
    monkeypatch.setenv("PUBLISHED_DB", str(tmp_path / "none.duckdb"))
    assert main([]) == WRONG_USE
    assert "there is no release" in capsys.readouterr().err


def test_without_a_period_it_is_the_latest_final_month(
    sample_release: Settings, release: duckdb.DuckDBPyConnection
) -> None:
    (start,) = release.execute(
        "select period_start from kpi_scorecard"
        " where kpi_id = 'gmv' and period_grain = 'month' and dimension = 'all' and is_latest").fetchone()
    assert period_asked("", sample_release.published) == f"{start:%Y-%m}"
