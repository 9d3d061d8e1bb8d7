"""The folder of pages: every KPI whole and in both languages, no dead link, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pytest

from ops.docs import manifest as dbt
from ops.docs.glossary import read_kpis
from ops.docs.picture import Box, Edge, draw
from ops.docs.release import Release, read_release
from ops.docs.site import Site, write_dbt_page
from ops.docs.words import LANGUAGES, WORDS, Words
from ops.project import ProjectError, Settings, kpis, model_keys
from tests.python.docs.conftest import Read

PARTS = {
    "en": ["Why it is watched", "Formula", "Definition", "When it is bad", "Worked example", "Needs", "Lineage",
           "Target", "Benchmark", "In the release"],
    "fr": ["Pourquoi le suivre", "Formule", "Définition", "Quand il est mauvais", "Exemple chiffré",
           "Données nécessaires", "Lignage", "Cible", "Repère publié", "Dans la publication"],
}
FACTS = {
    "en": ["Unit", "Direction", "Owner", "Reviewed", "Dated by", "Complete", "Grain", "Dimensions", "Over time"],
    "fr": ["Unité", "Sens", "Responsable", "Revue", "Date retenue", "Complet", "Grain", "Dimensions", "Dans le temps"],
}


def page_of(docs: Path, language: str, path: str) -> Path:
    return docs / ("" if language == "en" else language) / path


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kpi_has_a_page_with_all_of_its_parts(
    docs: Path, manifest: Mapping[str, Any], release: Release, language: str
) -> None:
    rows = {row["kpi_id"]: row for row in release.kpis}
    glossary = Read(page_of(docs, language, "glossary.html"))
    incomplete = {}
    for metric, said in kpis(manifest):
        page = Read(page_of(docs, language, f"kpi/{metric['name']}.html"))
        row = rows[metric["name"]]
        wanted = [*FACTS[language], row["label_en"], row["label_fr"] or row["label_en"], metric["name"],
                  Words(language).word("owners", row["owner"])]
        missing = [word for word in wanted if word not in page.text]
        missing += [part for part in PARTS[language] if part not in page.headings
                    and not (said.get("is_custom") and part in ("Definition", "Définition"))]
        missing += [] if f"kpi/{metric['name']}.html" in glossary.links else ["glossary"]
        missing += [term["name"] for term in dbt.terms_of(manifest, metric) if term["name"] not in page.text]
        if missing:
            incomplete[metric["name"]] = missing
    assert incomplete == {}


def test_what_a_page_says_of_a_kpi_is_what_its_definition_says(docs: Path) -> None:
    page = Read(docs / "kpi" / "late_shipment_rate.html")
    said = " ".join(page.text.split())
    assert "Late shipment rate Taux d’expédition en retard · late_shipment_rate" in said
    assert "due seller orders shipped after the ship-by time or not shipped" in said
    assert "Head of seller quality" in said
    assert "order_lines.ship_by_at filled in some row" in said
    assert "by seller: month, quarter, year" in said
    assert "only what was shipped (1 / 4)" in said
    assert "Amazon Seller Central: seller limit, 10 and 30 days" in said
    assert "Whole marketplace week 2026-01-01 10% 12% 20%" in said
    assert "../extracts.html#order_lines" in page.links


def test_every_word_of_the_definitions_is_known_in_both_languages(
    manifest: Mapping[str, Any], release: Release
) -> None:
    kinds = {"family": "families", "unit": "units", "direction": "directions", "owner": "owners", "kind": "kinds",
             "scope": "scopes", "review_cadence": "cadences"}
    said = {(kind, row[column]) for row in release.kpis for column, kind in kinds.items()}
    said |= {("dimensions", word) for row in release.kpis for word in row["dimensions"].split()}
    said |= {("audiences", word) for row in release.kpis for word in row["audience"].split()}
    said |= {("days", day) for row in release.kpis for day in row["dated_by"].split(" / ")}
    said |= {("parts", head) for kpi in read_kpis(manifest, release) for head, _ in kpi.parts}
    said |= {("strengths", figure["strength"]) for figure in release.benchmarks}
    said |= {("owners", group["owner"]["name"]) for group in manifest["groups"].values()}
    said |= {("boards", exposure["label"]) for exposure in manifest["exposures"].values()}
    said |= {("exposures", exposure["type"]) for exposure in manifest["exposures"].values()}
    assert {kind for kind, _ in said} <= WORDS.keys()
    assert sorted((kind, word) for kind, word in said if word not in WORDS[kind]) == []
    assert [key for kind in WORDS.values() for key, pair in kind.items() if len(pair) != 2 or not all(pair)] == []


def test_no_link_of_the_folder_is_dead(docs: Path, manifest: Mapping[str, Any]) -> None:
    nodes = {key for part in ("nodes", "sources", "metrics", "exposures") for key in manifest[part]}
    pages = {path: Read(path) for path in docs.rglob("*.html") if path.name != "static_index.html"}
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                dead.append((str(path.relative_to(docs)), link))
            elif parts.fragment.startswith("!/"):
                if parts.fragment.split("/")[2] not in nodes:
                    dead.append((str(path.relative_to(docs)), link))
            elif parts.fragment and unquote(parts.fragment) not in pages[target].anchors:
                dead.append((str(path.relative_to(docs)), link))
    assert dead == []
    assert sum(len(page.links) for page in pages.values()) > len(pages)


def test_pages_load_their_own_files_only(docs: Path) -> None:
    for path in set(docs.rglob("*.html")) - {docs / "static_index.html"}:
        strange = [
            loaded for loaded in Read(path).loaded
            if not loaded.startswith("data:") and not (path.parent / loaded).resolve().is_relative_to(docs.resolve())
        ]
        assert strange == [], path
    assert "url(" not in (docs / "assets" / "style.css").read_text()
    assert "import" not in (docs / "assets" / "style.css").read_text()


def test_dbts_page_reports_nothing_home(docs: Path) -> None:
    page = (docs / "static_index.html").read_text(encoding="utf-8")
    # the page has a tracker, which it loads only where statistics are allowed
    assert re.findall(r'"send_anonymous_usage_stats": (\w+)', page) == ["false"]
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//[^\"' >]+", page) == []


def test_no_row_of_a_person_is_on_a_page(docs: Path, sample_release: Settings) -> None:
    with duckdb.connect(str(sample_release.published), read_only=True) as connection:
        known = {row[0] for row in connection.execute("select customer_id from marts.dim_customer").fetchall()}
    assert known
    # what is made of the release; the README shows rows of the simulated sample
    for path in set(docs.rglob("*.html")) - {docs / "project" / "README.html"}:
        assert set(re.findall(r"\bc\d{7}\b", path.read_text(encoding="utf-8"))) & known == set(), path


def test_sources_of_a_kpi_are_those_it_is_made_from(manifest: Mapping[str, Any]) -> None:
    assert {name for name in dbt.OVER_ALL_INPUTS if dbt.node_of(manifest, name) is None} == set()
    found = [dbt.name_of(source) for source in dbt.sources_of(manifest, dbt.node_of(manifest, "fct_ad_spend"))]
    assert found == ["ad_spend", "exchange_rates"]
    assert "reviews" not in map(dbt.name_of, dbt.sources_of(manifest, dbt.node_of(manifest, "fct_orders")))


def test_joins_lead_to_the_key_of_a_published_table(manifest: Mapping[str, Any]) -> None:
    joins, keys = dbt.joins(manifest), model_keys(manifest)
    assert ("fct_order_lines", "order_id", "fct_orders") in joins
    assert ("fct_carts", "session_key", "fct_sessions") in joins
    assert sorted({target for _, _, target in joins if target not in keys}) == []


def with_exposure(manifest: Mapping[str, Any]) -> dict[str, Any]:
    mart = dbt.node_of(manifest, "kpi_sales")
    board = {
        "unique_id": "exposure.marketplace_kpis.board_of_sales", "name": "board_of_sales", "label": "Sales <board>",
        "type": "dashboard", "owner": {"name": "Head of finance", "email": None}, "maturity": None,
        "url": "http://127.0.0.1:8400/en/sales/",
        "description": "What sold, and *where*.", "depends_on": {"nodes": [mart]}, "tags": [], "meta": {},
        "resource_type": "exposure", "package_name": "marketplace_kpis",
        "fqn": ["marketplace_kpis", "board_of_sales"], "sources": [], "metrics": [],
        "original_file_path": "models/exposures.yml", "path": "exposures.yml", "refs": [["kpi_sales"]],
    }
    return {**manifest, "exposures": {**manifest["exposures"], board["unique_id"]: board}}


def test_a_board_stands_on_the_overview_and_with_its_kpis(
    manifest: Mapping[str, Any], release: Release, tmp_path: Path
) -> None:
    Site(with_exposure(manifest), release, tmp_path).write(tmp_path / "nothing.html")
    overview = Read(tmp_path / "fr" / "index.html")
    assert "Sales <board>" in overview.text
    assert "Direction financière" in overview.text
    assert "../static_index.html#!/exposure/exposure.marketplace_kpis.board_of_sales" in overview.links
    assert "Sales <board>" in Read(tmp_path / "kpi" / "aov.html").text
    assert "Sales <board>" not in Read(tmp_path / "kpi" / "nps.html").text
    assert "http://127.0.0.1:8400/fr/sales/" in overview.links
    assert "http://127.0.0.1:8400/en/sales/" in Read(tmp_path / "index.html").links
    assert "Qualité des vendeurs" in overview.text and "make dashboards" in overview.text
    assert "Every expectation" not in Read(tmp_path / "quality.html").text


def test_definitions_and_release_of_two_minds_are_refused(manifest: Mapping[str, Any], release: Release) -> None:
    metrics = {key: metric for key, metric in manifest["metrics"].items() if metric["name"] != "aov"}
    with pytest.raises(ProjectError, match=r"does not go with the definitions: aov is in one of them only.*make build"):
        read_kpis({**manifest, "metrics": metrics}, release)


def test_a_release_that_is_not_there_or_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"gone\.duckdb is not there: run `make build` first"):
        read_release(tmp_path / "gone.duckdb")
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    with pytest.raises(ProjectError, match=r"other\.duckdb cannot be documented"):
        read_release(tmp_path / "other.duckdb")


def test_dbts_page_without_a_place_for_its_data_is_refused(manifest: Mapping[str, Any], tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html></html>")
    (tmp_path / "catalog.json").write_text("{}")
    with pytest.raises(ProjectError, match="no place for its manifest"):
        write_dbt_page(tmp_path, manifest, tmp_path)


@pytest.mark.parametrize(
    ("value", "unit", "english", "french"),
    [
        (0.2296, "ratio", "22.96%", "22,96\u00a0%"),
        (0.1, "ratio", "10%", "10\u00a0%"),
        (0.144, "ratio", "14.4%", "14,4\u00a0%"),
        (-0.05, "ratio", "-5%", "-5\u00a0%"),
        (1234567.0, "count", "1,234,567", "1\u202f234\u202f567"),
        (140.974, "money", "140.97\u00a0EUR", "140,97\u00a0EUR"),
        (2.5, "days", "2.5\u00a0d", "2,5\u00a0j"),
        (1800, "milliseconds", "1,800\u00a0ms", "1\u202f800\u00a0ms"),
    ],
)
def test_values_are_written_as_a_person_does(value: float, unit: str, english: str, french: str) -> None:
    assert Words("en").amount(value, unit, "EUR") == english
    assert Words("fr").amount(value, unit, "EUR") == french


def test_words_that_nobody_knows_stand_as_the_definition_has_them() -> None:
    assert Words("fr").word("dimensions", "warehouse_zone") == "warehouse zone"
    assert Words("fr").dated_by("spend day / harvest day") == "jour de la dépense publicitaire / harvest day"


def test_a_picture_escapes_what_it_shows() -> None:
    svg = draw([("<a>", [Box("x", "<b>", "p?a&b")]), ("", [Box("y", "y")])], [Edge("x", "y"), Edge("x", "gone")], '"')
    assert "<b>" not in svg
    assert "&lt;b&gt;" in svg
    assert svg.count("<path") == 1


def test_a_board_of_a_family_is_named_with_the_kpis_of_that_family(
    manifest: Mapping[str, Any], release: Release
) -> None:
    board = next(iter(with_exposure(manifest)["exposures"].values())) | {
        "unique_id": "exposure.marketplace_kpis.board_loyalty", "name": "board_loyalty",
        "depends_on": {"nodes": [dbt.node_of(manifest, "kpi_values")]},
    }
    found = read_kpis({**manifest, "exposures": {board["unique_id"]: board}}, release)
    assert {kpi.row["family"] for kpi in found if kpi.boards} == {"loyalty"}
