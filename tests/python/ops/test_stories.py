"""Every query of the page of stories gives the answer that stands below it, on the sample."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ops.project import ROOT, Settings
from tests.python import stories

PAGE = ROOT / "docs" / "decisions.md"


@pytest.fixture(scope="module")
def release(sample_release: Settings) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(sample_release.published), read_only=True)


def _page(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


def test_the_answers_of_the_page_are_those_of_the_sample(release: duckdb.DuckDBPyConnection) -> None:
    assert len(stories.questions(PAGE)) >= 15
    assert "\n".join(stories.differences(release, PAGE)) == ""


def test_every_published_table_of_the_folders_is_in_the_guide() -> None:
    text = PAGE.read_text(encoding="utf-8")
    tables = [
        path.stem for folder in ("decisions", "sellers", "journeys")
        for path in (ROOT / "models" / "marts" / folder).glob("*.sql")
    ]
    assert len(tables) >= 28
    assert [table for table in tables if f"\n| `{table}` |" not in text] == []


def test_a_wrong_answer_is_found(release: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    right = "```sql\nselect 1 as a, null as b, 'c' as long\n```\n\n```text\na | b | long\n1 |   | c\n```\n"
    assert stories.differences(release, _page(tmp_path, right)) == []
    assert len(stories.differences(release, _page(tmp_path, right.replace("1 |", "2 |")))) == 1
    assert len(stories.differences(release, _page(tmp_path, right.replace("1 |   | c\n", "")))) == 1


@pytest.mark.parametrize("after", ["", "Nothing.\n", "Words between.\n\n```text\na\n1\n```\n", "```sh\nls\n```\n"])
def test_a_query_without_an_answer_is_refused(tmp_path: Path, after: str) -> None:
    page = _page(tmp_path, f"```sql\nselect 1 as a\n```\n\n{after}")
    with pytest.raises(stories.PageError, match=r"page\.md, line 1: no answer"):
        stories.questions(page)
