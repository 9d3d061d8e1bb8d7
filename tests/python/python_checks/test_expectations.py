"""The expectations gate: passes on a sound build, and fails for each kind of fault it is there for."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ops.project import ProjectError
from python_checks.expectations import gate as gate_module
from python_checks.expectations.gate import Gate, TableResult
from python_checks.expectations.report import explain, write_page
from python_checks.expectations.suites import kpi_bounds, read_suites

SUITES = {
    "fct_orders": {
        "rows": 1,
        "key": ["order_id"],
        "not_null": ["ordered_at"],
        "values": {"at": ["web", "app"]},
        "between": {"share": [0, 1]},
        "never": {"a net value above the value": "net_value > value"},
    }
}


def column(name: str, data_type: str, **meta: object) -> dict:
    return {"name": name, "data_type": data_type, "config": {"meta": meta}}


def model(name: str, folder: str, *columns: dict, **meta: object) -> dict:
    return {
        "resource_type": "model",
        "name": name,
        "alias": name,
        "schema": folder.split("/")[0],
        "original_file_path": f"models/{folder}/{name}.sql",
        "config": {"meta": meta},
        "columns": {column["name"]: column for column in columns},
    }


def source(name: str, *columns: dict, **meta: object) -> dict:
    return {
        "source_name": "extracts",
        "name": name,
        "config": {"meta": meta},
        "columns": {column["name"]: column for column in columns},
    }


MANIFEST = {
    "metrics": {},
    "sources": {
        contract["name"]: contract
        for contract in [
            source(
                "orders",
                column("order_id", "string", key=True),
                column("ordered_at", "timestamp", required=True),
                column("at", "string", values=["web", "app"]),
                column("quantity", "bigint", required=True, above=0),
                column("rating", "bigint", min=1, max=5),
                column("discount", "decimal(18,4)"),
                required=True,
                checks=[{
                    "column": "discount",
                    "holds": "discount is null or discount <= quantity",
                    "reason": "more than the quantity",
                }],
            ),
            source(
                "lines",
                column("line_id", "string", key=True),
                column("order_id", "string", required=True),
                must_exist={"column": "order_id", "in": "orders"},
            ),
        ]
    },
    "nodes": {
        node["name"]: node
        for node in [
            model("stg_orders", "staging/native"),
            model("stg_lines", "staging/native"),
            model(
                "fct_orders",
                "marts/core",
                column("order_id", "string"),
                column("ordered_at", "timestamp"),
                column("at", "string"),
                column("share", "double"),
                column("value", "decimal(18, 4)"),
                column("net_value", "decimal(18, 4)"),
            ),
        ]
    }
}

SOUND = """
create schema staging;
create schema marts;
create table staging.stg_orders as select
    'o' || i as order_id, timestamp '2026-01-01' as ordered_at, 'web' as "at", 1::bigint as quantity,
    cast(null as bigint) as rating, 0.5::decimal(18,4) as discount
from range(100) t(i);
create table staging.stg_lines as select 'l' || i as line_id, 'o' || i as order_id from range(100) t(i);
create table marts.fct_orders as select
    order_id, ordered_at, "at", 0.5::double as share, 2::decimal(18,4) as value, 1::decimal(18,4) as net_value
from staging.stg_orders;
"""


def judge(tmp_path: Path, fault: str = "", suites: dict | None = None) -> dict[str, TableResult]:
    database = tmp_path / "build.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(SOUND + fault)
    gate = Gate(database, MANIFEST, SUITES if suites is None else suites)
    return {result.table: result for result in gate.run()}


def test_a_sound_build_passes(tmp_path: Path) -> None:
    results = judge(tmp_path)
    assert list(results) == ["stg_lines", "stg_orders", "fct_orders", "canaries"]
    assert all(result.passed for result in results.values())
    assert {table: len(result.verdicts) for table, result in results.items()} == {
        "stg_lines": 5, "stg_orders": 11, "fct_orders": 9, "canaries": 0
    }


@pytest.mark.parametrize(
    ("fault", "table", "expectation"),
    [
        ("insert into staging.stg_lines values ('l1', 'o1')", "stg_lines", "line_id is unique"),
        ("insert into staging.stg_lines values (null, 'o1')", "stg_lines", "line_id is never null"),
        ("insert into staging.stg_lines values ('l', null)", "stg_lines", "order_id is never null"),
        ("insert into staging.stg_lines values ('l', 'gone')", "stg_lines", "never order_id that is not in orders"),
        ("alter table staging.stg_lines add column more int", "stg_lines", "columns and types"),
        ("alter table staging.stg_orders alter rating type integer", "stg_orders", "columns and types"),
        ("delete from staging.stg_orders", "stg_orders", "at least 1 rows"),
        ("update staging.stg_orders set \"at\" = 'fax'", "stg_orders", "at is one of web, app"),
        ("update staging.stg_orders set quantity = 0", "stg_orders", "never quantity not above 0"),
        ("update staging.stg_orders set rating = 6", "stg_orders", "rating is at least 1 and at most 5"),
        ("update staging.stg_orders set discount = 2", "stg_orders", "never discount more than the quantity"),
        ("update staging.stg_orders set ordered_at = '2226-01-01'", "stg_orders", "ordered_at is at least 1990"),
        ("update marts.fct_orders set share = 'nan'", "fct_orders", "never NaN or infinity"),
        ("update marts.fct_orders set share = 1.1", "fct_orders", "share is at least 0 and at most 1"),
        ("update marts.fct_orders set net_value = 3", "fct_orders", "never a net value above the value"),
        ("alter table marts.fct_orders rename ordered_at to ordered_on", "fct_orders", "ordered_at is never null"),
    ],
)
def test_each_fault_fails_its_expectation(tmp_path: Path, fault: str, table: str, expectation: str) -> None:
    result = judge(tmp_path, fault)[table]
    assert any(verdict.expectation.startswith(expectation) for verdict in result.failures), result.failures


def test_what_cannot_be_computed_fails(tmp_path: Path) -> None:
    result = judge(tmp_path, "drop table marts.fct_orders")["fct_orders"]
    assert not result.passed
    suites = {"fct_orders": {"never": {"a column that is not there": "gone > 1"}}}
    (tmp_path / "other").mkdir()
    (failure,) = judge(tmp_path / "other", suites=suites)["fct_orders"].failures
    assert "gone" in failure.error
    assert "could not be computed" in explain(failure)


def test_every_published_table_has_a_suite_and_every_suite_a_table(tmp_path: Path) -> None:
    results = judge(tmp_path, suites={"fct_nothing": {}})
    assert results["fct_orders"].problem == "a published table without a suite"
    assert results["fct_nothing"].problem == "a suite for a table that is not published"


def test_a_silent_canary_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = {"success": True, "result": {}}
    monkeypatch.setattr(gate_module.ExpectNoRows, "_validate", lambda *_, **__: true)
    canaries = judge(tmp_path)["canaries"]
    assert canaries.problem == "1 canaries did not fail as they must"
    assert len(canaries.notes) == 3 and not any("rows that must not be" in note for note in canaries.notes)


def test_kpi_columns_lie_within_the_bounds_of_their_metrics() -> None:
    columns = [column(name, "double") for name in ("orders", "rate", "gmv")]
    mart = model("kpi_sales", "marts/sales", *columns)
    told = {"orders": {"unit": "count"}, "rate": {"unit": "ratio", "bounds": [0, 1]}, "gmv": {"unit": "money"}}
    kpis = [({"name": name, "config": {"group": "sales"}}, kpi) for name, kpi in told.items()]
    elsewhere = {"name": "orders", "config": {"group": "other"}}
    assert kpi_bounds(mart, [*kpis, (elsewhere, {"unit": "ratio", "bounds": [2, 3]})]) == {
        "orders": [0, None], "rate": [0, 1]
    }


def test_a_suite_takes_over_what_it_is_like(tmp_path: Path) -> None:
    (tmp_path / "kpi.yml").write_text(
        ".period: {rows: 1, key: [start], never: {a: x > 1}}\n"
        "kpi_sales: {like: .period, key: [kpi], never: {b: y > 1}}\n"
    )
    assert read_suites(tmp_path) == {
        "kpi_sales": {"like": ".period", "rows": 1, "key": ["start", "kpi"], "never": {"a": "x > 1", "b": "y > 1"}}
    }


def test_unknown_words_in_a_suite_are_refused(tmp_path: Path) -> None:
    (tmp_path / "core.yml").write_text("fct_orders: {uniq: [order_id]}")
    with pytest.raises(ProjectError, match=r"core\.yml, fct_orders: unknown words \['uniq'\]"):
        read_suites(tmp_path)


def test_the_page_shows_failures_first_and_needs_no_other_file(tmp_path: Path) -> None:
    results = judge(tmp_path, "update marts.fct_orders set share = 1.1")
    page = tmp_path / "quality" / "index.html"
    write_page(results.values(), tmp_path / "build.duckdb", page)
    html = page.read_text()
    assert "1 tables failed" in html
    assert "share is at least 0 and at most 1: 100 rows, such as [1.1" in html
    assert html.index("marts.fct_orders") < html.index("staging.stg_lines")
    assert "http" not in html and "src=" not in html and "href=" not in html


def test_the_page_tells_that_canaries_failed_as_intended(tmp_path: Path) -> None:
    results = judge(tmp_path)
    page = tmp_path / "index.html"
    write_page(results.values(), tmp_path / "build.duckdb", page)
    html = page.read_text()
    row = next(line for line in html.splitlines() if "canaries" in line)
    assert "all passed" in html and '<span class="passed">passed</span>' in row and 'class="failed"' not in row
    assert "4 wrong on purpose failed as intended" in row and "expectations" not in row
    assert row.count(", wrong on purpose, failed as intended: ") == 4
    for found in ("missing values", "unknown words", "values out of bounds", "rows that must not be"):
        assert f"{found} would be noticed" in row
    assert f"<p>{sum(len(result.verdicts) for result in results.values())} expectations on 4 tables" in html
