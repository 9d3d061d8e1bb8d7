"""The boards are sound, in both languages, read what is published, and calculate nothing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
import yaml
from sqlglot import expressions as exp

from ops.boards import Phrases, Release, framed, write
from ops.project import ROOT, ProjectError, Settings

# What puts numbers together. A board picks rows and columns and writes them; `list` gathers the points of a small line.
CALCULATES = (exp.AggFunc, exp.Window, exp.Div, exp.Add, exp.Group)
GATHERS = (exp.ArrayAgg, exp.List)


@pytest.fixture(scope="module")
def queries(charts: Any, boards: Path) -> dict[tuple[str, str], str]:
    """SQL of each query of the English boards for a laptop, by board and name."""
    paths = [path for path in sorted((boards / "charts" / "en").glob("*.yml")) if path.stem != "meta"]
    return {
        (path.stem, query.name): query.sql
        for path, described in zip(paths, charts.describe_paths(paths), strict=True) for query in described.queries
    }


@pytest.fixture(scope="module")
def read(charts: Any, boards: Path) -> dict[str, set[tuple[str, str]]]:
    """Tables and columns that each board reads, as `dct impact` finds them."""
    from dbt_charts.core.column_refs import extract_base_column_refs
    from dbt_charts.core.compile.compiler import compile_file

    found: dict[str, set[tuple[str, str]]] = {}
    for path in sorted((boards / "charts" / "en").glob("*.yml")):
        if path.stem != "meta":
            references = extract_base_column_refs(compile_file(charts.project.path_for_fspath(path).read_board()))
            for name, query in references.items():
                # what cannot be followed would be missing from `dct impact` in silence
                assert query.indeterminate is None, f"{path.stem}.{name}: {query.indeterminate}"
            found[path.stem] = {pair for query in references.values() for pair in query.columns}
    return found


def published(release: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    return set(release.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'marts'").fetchall())


def test_dct_validates_the_boards(charts: Any, boards: Path) -> None:
    """One language and width: others differ in words and sizes only. English is compiled by `read`."""
    results = charts.validate_paths([boards / "charts" / "fr" / "phone"])
    assert len(results) == len(list((boards / "charts" / "en").glob("*.yml"))) - 1  # meta.yml is no board
    for result in results:
        assert result.success, result


def test_nothing_is_calculated(queries: dict[tuple[str, str], str]) -> None:
    for (board, name), sql in queries.items():
        for node in sqlglot.parse_one(re.sub(r"\{\{.*?\}\}", "x", sql), dialect="duckdb").walk():
            is_month_back = isinstance(node, exp.Add) and node.find(exp.Interval)
            assert not isinstance(node, CALCULATES) or isinstance(node, GATHERS) or is_month_back, (
                f"{board}.{name} calculates: {node.sql()}"
            )


def test_what_is_read_is_published(read: dict, release: duckdb.DuckDBPyConnection) -> None:
    for board, columns in read.items():
        assert columns <= published(release), f"{board} reads {columns - published(release)}"


def test_a_column_that_went_is_noticed(
    boards: Path, read: dict, release: duckdb.DuckDBPyConnection, tmp_path: Path,
) -> None:
    from dbt_charts.agent_api.impact import column_impact
    from dbt_charts.agent_api.project_session import ProjectSession

    gone = ("kpi_scorecard", "attainment")
    some = ("meta", "scorecard", "why")  # dct reads each board anew for each column
    shutil.copytree(boards, tmp_path, dirs_exist_ok=True, ignore=lambda folder, names: [
        name for name in names if name in ("fr", "phone") or (name.endswith(".yml") and Path(name).stem not in
                                                              (*some, "dbt_charts"))
    ])
    with ProjectSession.open(tmp_path) as session:
        hits = column_impact(session.project, table=gone[0], column=gone[1]).hits
    assert {Path(hit.board).stem for hit in hits} == {"scorecard"}
    assert read["scorecard"] - (published(release) - {gone}) == {gone}


def test_exposures_name_what_boards_read(queries: dict[tuple[str, str], str]) -> None:
    tables: dict[str, set[str]] = {}
    for (board, _), sql in queries.items():
        found = sqlglot.parse_one(re.sub(r"\{\{.*?\}\}", "x", sql), dialect="duckdb").find_all(exp.Table)
        tables.setdefault(board, set()).update(table.name for table in found)
    exposures = yaml.safe_load((ROOT / "models" / "marts" / "_exposures.yml").read_text())["exposures"]
    told = {
        exposure["name"]: {ref.removeprefix("ref('").removesuffix("')") for ref in exposure["depends_on"]}
        for exposure in exposures
    }
    assert told == {f"board_{board}": read_there for board, read_there in tables.items()}
    for exposure in exposures:
        assert exposure["url"].endswith(f"/en/{exposure['name'].removeprefix('board_')}/")


def test_every_phrase_has_its_french_and_is_used(sample_release: Settings, tmp_path: Path) -> None:
    phrases = Phrases.read()
    write(tmp_path / "boards", Release.read(sample_release.published), phrases)
    assert phrases.french.keys() == phrases.used
    assert all(isinstance(french, str) and french for french in phrases.french.values())


def test_a_phrase_without_french_is_named(sample_release: Settings, tmp_path: Path) -> None:
    phrases = Phrases.read()
    del phrases.french["Top sellers, {{ queries.as_of.one.sellers_month }}"]
    with pytest.raises(ProjectError, match=r"french\.yml: no French for 'Top sellers"):
        write(tmp_path / "boards", Release.read(sample_release.published), phrases)
    assert not (tmp_path / "boards").exists()


def test_no_release_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"^PUBLISHED_DB: there is no release at .*none\.duckdb; `make build`"):
        Release.read(tmp_path / "none.duckdb")


def test_what_a_kpi_without_data_needs_is_named_in_short() -> None:
    needs = {"sessions": "events", "purchases": "events events:purchase events.source|events.medium", "gmv": "",
             "take_rate": "order_lines.commission_amount order_lines.shipped_at|order_lines.delivered_at"}
    kpis = [{"kpi_id": kpi, "needs": needed, "has_data": kpi == "gmv"} for kpi, needed in needs.items()]
    assert Release(kpis, "EUR").absent == {
        "sessions": ["events"], "purchases": ["events"],
        "take_rate": ["order_lines.commission_amount", "order_lines.shipped_at|order_lines.delivered_at"],
    }


def test_a_phone_has_pairs_of_cards_and_no_wide_columns(boards: Path) -> None:
    english = boards / "charts" / "en"
    laptop, phone = (yaml.safe_load((folder / "cockpit.yml").read_text()) for folder in (english, english / "phone"))
    assert len(laptop["rows"][1]["cols"]) == 6
    assert [len(pair["cols"]) for pair in phone["rows"][1]["rows"]] == [2, 2, 2]
    assert all("cols" not in row for row in phone["rows"])
    assert phone["charts"]["at_a_glance"]["style"]["columns"]["before"]["visible"] is False
    assert "'phone'" not in str(laptop) + str(phone)


def test_a_page_leads_to_the_width_that_fits() -> None:
    page = "<html>\n<head><title>Ventes</title></head><body><div class=\"dbt-charts-wrapper\"></div></body></html>"
    told = framed(page, "/fr/sales/")
    assert '<html lang="fr">' in told and "'/fr/phone/sales/'" in told and "<h1" in told and "Ventes</h1>" in told
    assert "'/fr/sales/'" in framed(page, "/fr/phone/sales/")


def test_nothing_is_told_to_anyone(boards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls dct in the written project, without flag or variable, sends nothing: the dbt project says so."""
    from dbt_charts.core.project_roots import resolve_dbt_project_dir
    from dbt_charts.telemetry.consent import send_anonymous_usage_stats

    assert not send_anonymous_usage_stats(False, {}, resolve_dbt_project_dir(boards, None))
