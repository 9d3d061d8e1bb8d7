"""The boards are sound, read what is published, and calculate nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import expressions as exp

# What puts numbers together; a board only picks and writes out. `list` gathers the points of a small line.
CALCULATES = (exp.Sum, exp.Avg, exp.Count, exp.Min, exp.Max, exp.Median, exp.Window, exp.Div, exp.Stddev)


def queries(charts: Any, boards: Path) -> list[tuple[str, str, str]]:
    """Board, name and SQL of each query of the English boards for a laptop."""
    found = []
    for path in sorted((boards / "charts" / "en").glob("*.yml")):
        if path.stem != "meta":
            described = charts.describe_paths([path])[0]
            found += [(path.stem, query.name, query.sql) for query in described.queries]
    return found


def test_dct_validates_every_board(charts: Any, boards: Path) -> None:
    for result in charts.validate_paths([boards / "charts"]):
        assert result.success, result


def test_nothing_is_calculated(charts: Any, boards: Path) -> None:
    for board, name, sql in queries(charts, boards):
        for node in sqlglot.parse_one(sql.replace("{{", "$").replace("}}", ""), dialect="duckdb").walk():
            assert not isinstance(node, CALCULATES), f"{board}.{name} calculates: {node.sql()}"


def test_columns_are_published(charts: Any, boards: Path, release: duckdb.DuckDBPyConnection) -> None:
    from dbt_charts.core.column_refs import extract_base_column_refs

    there = set(release.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'marts'").fetchall())
    assert there
