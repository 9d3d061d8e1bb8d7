"""What a build tells of the delivered rows, on build files made by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ops import findings
from ops.findings import Table

ORDERS = Table("orders", required=True, key={"order_id": "string"}, base="base_orders")
LINES = Table("order_lines", required=True, key={"order_line_id": "string"}, base="base_order_lines")
SPEND = Table("ad_spend", key={"spend_date": "date", "campaign_id": "string"}, base="base_ad_spend")
TABLES = {table.name: table for table in (ORDERS, LINES, SPEND)}


class BuildFile:
    """A build file with the tables that are read, filled row by row, and the landing's list of files."""

    def __init__(self, folder: Path):
        self.landing = folder
        self.connection = duckdb.connect()
        self.connection.execute(
            """
            create schema marts; create schema staging; create schema intermediate;
            create table marts.load_audit (
                table_name varchar, file_name varchar, rows_read bigint, rows_loaded bigint, rows_rejected bigint,
                rows_superseded bigint, unknown_columns varchar, loaded_at timestamp
            );
            create table marts.rejected_rows (
                table_name varchar, file_name varchar, row_number bigint, reason varchar, column_name varchar,
                row_content varchar, loaded_at timestamp
            );
            create table files (
                file_id varchar, table_name varchar, file_name varchar, path varchar, refused varchar,
                row_source varchar
            )
            """
        )
        for table in TABLES.values():
            key = ", ".join(f"{column} {'varchar' if kind == 'string' else kind}" for column, kind in table.key.items())
            columns = f"{key}, _fault varchar, _file varchar, _row bigint, _is_latest boolean"
            self.connection.execute(f"create table staging.{table.base} ({columns})")

    def file(self, table: str, name: str, read: int, loaded: int, rejected: int = 0, superseded: int = 0) -> None:
        self.insert("marts.load_audit", table, name, read, loaded, rejected, superseded, None, None)
        self.insert("files", f"id of {name}", table, name, None, None, "_row")

    def reject(
        self, table: str, file: str, row: int, reason: str, column: str | None, content: dict | str | None
    ) -> None:
        text = json.dumps(content) if isinstance(content, dict) else content
        self.insert("marts.rejected_rows", table, file, row, reason, column, text, None)

    def base(self, table: Table, file: str, row: int, *key: str, latest: bool = True, fault: str | None = None) -> None:
        self.insert(f"staging.{table.base}", *key, fault, f"id of {file}", row, latest)

    def insert(self, table: str, *values: object) -> None:
        self.connection.execute(f"insert into {table} values ({', '.join('?' * len(values))})", values)

    def land(self) -> Path:
        self.connection.execute(f"copy files to '{self.landing / '_files.parquet'}' (format parquet)")
        return self.landing

    def too_many(self, accepted: float = 0.05) -> str | None:
        files, reasons = findings.read_files(self.connection), findings.read_reasons(self.connection)
        return findings.too_many_rejected(self.connection, self.land(), TABLES, files, reasons, accepted)

    def repeated(self) -> list[findings.RepeatedKey]:
        return findings.repeated_keys(self.connection, self.land(), TABLES, findings.read_files(self.connection))


@pytest.fixture
def build(tmp_path: Path) -> Iterator[BuildFile]:
    made = BuildFile(tmp_path)
    yield made
    made.connection.close()


def table_of(build: BuildFile) -> list[str]:
    files, reasons = findings.read_files(build.connection), findings.read_reasons(build.connection)
    return list(findings.table_of_rows(files, reasons, TABLES))


def test_each_extract_has_a_line_with_its_rows_and_the_reasons_for_those_rejected(build: BuildFile) -> None:
    build.file("order_lines", "order_lines/a.csv", 10, 6, 3, 1)
    build.file("order_lines", "order_lines/b.csv", 1_000, 1_000)
    build.file("orders", "orders.csv", 5, 5)
    for row in (4, 2):
        build.reject("order_lines", "order_lines/a.csv", row, "not a number", "unit_price", {"unit_price": f"9,{row}"})
    build.reject("order_lines", "order_lines/a.csv", 9, "missing", "seller_id", {"seller_id": None})
    heading, orders, lines, price, seller = table_of(build)
    assert heading.split() == ["extract", "files", "read", "loaded", "rejected", "superseded"]
    assert orders.split() == ["orders", "1", "5", "5", "0", "0"]  # in the order of the contract
    assert lines.split() == ["order_lines", "2", "1,010", "1,006", "3", "1"]
    assert price.strip() == "2 x unit_price: not a number, such as '9,2' in order_lines/a.csv, row 2"
    assert seller.strip() == "1 x seller_id: missing, first in order_lines/a.csv, row 9"


def test_the_three_most_frequent_reasons_are_told_and_how_many_others_there_are(build: BuildFile) -> None:
    build.file("orders", "orders.csv", 100, 85, 15)
    for count, column in enumerate(["is_test", "country", "paid_at", "currency", "ordered_at"], 1):
        for row in range(count):
            build.reject("orders", "orders.csv", row + 2, "not right", column, {column: "x"})
    told = table_of(build)[2:]
    assert [line.split()[2] for line in told[:3]] == ["ordered_at:", "currency:", "paid_at:"]
    assert told[3:] == ["    and for 2 other reasons: marts.rejected_rows of the build file"]


def test_personal_values_stay_masked_and_control_characters_reach_no_terminal(build: BuildFile) -> None:
    build.file("orders", "orders.csv", 4, 1, 3)
    build.reject("orders", "orders.csv", 2, "too long", "email", {"email": "***"})
    build.reject("orders", "orders.csv", 3, "not a word", "country", {"country": "\x1b[2J\nX" + "y" * 100})
    build.reject("orders", "orders.csv", 4, "3 fields instead of 4", None, {"length": 12, "hash": "abc"})
    told = "\n".join(table_of(build)[2:])
    assert "email: too long, such as '***' in" in told
    assert "'?[2J?X" in told and "y…'" in told
    assert "3 fields instead of 4, first in orders.csv, row 4" in told
    assert "abc" not in told


def test_the_text_of_a_row_that_could_not_be_split_is_its_example(build: BuildFile) -> None:
    build.file("orders", "orders.csv", 1, 0, 1)
    build.reject("orders", "orders.csv", 2, "2 fields instead of 4", None, "o1,c1")
    assert table_of(build)[2].strip() == "1 x 2 fields instead of 4, such as 'o1,c1' in orders.csv, row 2"


def test_lines_of_many_orders_that_are_not_there_are_one_reason(build: BuildFile) -> None:
    build.file("order_lines", "order_lines.csv", 10, 8, 2)
    for row in (2, 3):
        why, content = f"not in stg_orders: o{row}", {"order_id": f"o{row}"}
        build.reject("order_lines", "order_lines.csv", row, why, "order_id", content)
    (reason,) = findings.read_reasons(build.connection)["order_lines"]
    assert (reason.reason, reason.rows, reason.value) == ("not in stg_orders", 2, "o2")


def test_the_models_of_a_connector_are_told_beside_its_files(build: BuildFile) -> None:
    build.file("orders", "olist_orders_dataset.csv", 10, 9, 1)
    build.file("orders", "stg_olist__orders", 9, 9)
    build.reject("orders", "olist_orders_dataset.csv", 3, "missing", "order_id", {})
    lines = [line.split()[:4] for line in table_of(build)[1:]]
    assert lines[0] == ["orders", "1", "10", "9"]
    assert lines[1][:3] == ["1", "x", "order_id:"]
    assert lines[2] == ["stg_olist__orders", "1", "9", "9"]


def five_of_six_lines(build: BuildFile) -> None:
    build.file("order_lines", "order_lines.csv", 6, 1, 5)
    for row in range(2, 7):
        build.reject("order_lines", "order_lines.csv", row, "not a number", "unit_price", {"unit_price": "9,99"})


def test_a_table_with_too_many_rejected_rows_stops_the_build_with_the_words_to_accept_it(build: BuildFile) -> None:
    five_of_six_lines(build)
    assert build.too_many() == (
        "5 of 6 rows of order_lines (83.3%) were rejected, more than 5.0%:\n"
        "    5 x unit_price: not a number, such as '9,99' in order_lines.csv, row 2\n"
        "Put the extracts right, or accept knowingly that these rows count nowhere: make build MAX_REJECTED_SHARE=0.84"
    )
    assert build.too_many(0.84) is None


@pytest.mark.parametrize(("rejected", "stops"), [(5, False), (6, True)])
def test_the_accepted_share_itself_is_accepted(build: BuildFile, rejected: int, stops: bool) -> None:
    build.file("order_lines", "order_lines.csv", 100, 100 - rejected, rejected)
    for row in range(rejected):
        build.reject("order_lines", "order_lines.csv", row + 2, "missing", "seller_id", {"order_line_id": f"l{row}"})
    assert (build.too_many() is not None) is stops


def test_lines_that_wait_for_their_order_do_not_count(build: BuildFile) -> None:
    build.file("order_lines", "order_lines.csv", 10, 5, 5)
    for row in range(2, 7):
        build.reject("order_lines", "order_lines.csv", row, "not in stg_orders: o9", "order_id", {"order_id": "o9"})
    assert build.too_many() is None
    build.connection.execute("update marts.rejected_rows set table_name = 'ad_spend', file_name = 'ad_spend.csv'")
    build.connection.execute("update marts.load_audit set table_name = 'ad_spend', file_name = 'ad_spend.csv'")
    assert build.too_many() is not None  # only order lines wait


@pytest.mark.parametrize(("loaded_from", "stops"), [("b.csv", False), ("a.csv", True), (None, True)])
def test_rows_whose_key_came_well_in_another_file_do_not_count(
    build: BuildFile, loaded_from: str | None, stops: bool
) -> None:
    build.file("ad_spend", "a.csv", 2, 1, 1)
    build.file("ad_spend", "b.csv", 2, 2)
    build.reject("ad_spend", "a.csv", 2, "missing", "clicks", {"spend_date": "2026-01-31", "campaign_id": "c1"})
    build.base(SPEND, "a.csv", 2, "2026-01-31", "c1", fault="clicks: missing")
    if loaded_from:
        build.base(SPEND, loaded_from, 3, "2026-01-31", "c1")
    assert (build.too_many() is not None) is stops


def test_a_key_that_is_at_fault_in_both_files_was_not_loaded(build: BuildFile) -> None:
    for file in ("a.csv", "b.csv"):
        build.file("ad_spend", file, 2, 1, 1)
        build.reject("ad_spend", file, 2, "missing", "clicks", {"spend_date": "2026-01-31", "campaign_id": "c1"})
        build.base(SPEND, file, 2, "2026-01-31", "c1", fault="clicks: missing")
    assert build.too_many().startswith("2 of 4 rows of ad_spend")


def test_rows_of_a_large_table_are_looked_up_in_the_files_they_stay_in(build: BuildFile, tmp_path: Path) -> None:
    events = Table("events", key={"event_id": "string"}, base="base_events", is_large=True)
    build.connection.execute(
        "create table staging.base_events"
        " (event_id varchar, _fault varchar, _file varchar, _row bigint, _is_latest boolean)"
    )
    for name, query in {"a": "select 7 as event_id", "b": "select unnest([7, 8]) as event_id"}.items():
        path = tmp_path / f"{name}.parquet"
        build.connection.execute(f"copy ({query}) to '{path}' (format parquet)")
        build.insert("files", f"id of {name}.parquet", "events", f"{name}.parquet", str(path), None, "ordinal")
    build.insert("marts.load_audit", "events", "a.parquet", 1, 0, 1, 0, None, None)
    build.insert("marts.load_audit", "events", "b.parquet", 2, 2, 0, 0, None, None)
    build.reject("events", "a.parquet", 1, "missing", "occurred_at", {"event_id": "7"})
    build.insert("staging.base_events", "7", "occurred_at: missing", "id of a.parquet", 1, True)

    def judge() -> str | None:
        files, reasons = findings.read_files(build.connection), findings.read_reasons(build.connection)
        return findings.too_many_rejected(build.connection, build.land(), {"events": events}, files, reasons, 0.05)

    assert judge() is None
    build.insert("staging.base_events", "7", "occurred_at: missing", "id of b.parquet", 1, True)
    assert judge().startswith("1 of 3 rows of events")


def test_a_required_table_of_which_nothing_is_left_stops_whatever_is_accepted(build: BuildFile) -> None:
    build.file("orders", "orders.csv", 2, 0, 2)
    for row in (2, 3):
        build.reject("orders", "orders.csv", row, "not an ISO 8601 time", "ordered_at", {"ordered_at": "31/12/2026"})
    assert build.too_many(1) == (
        "Nothing is left of the required table orders: all its rows were rejected (2):\n"
        "    2 x ordered_at: not an ISO 8601 time, such as '31/12/2026' in orders.csv, row 2"
    )


def test_a_required_table_without_a_row_stops_and_an_optional_one_does_not(build: BuildFile) -> None:
    build.file("ad_spend", "ad_spend.csv", 0, 0)
    assert build.too_many() is None
    build.file("orders", "orders.csv", 0, 0)
    assert build.too_many() == "Nothing is left of the required table orders: there is no row in orders.csv"


def test_a_key_that_comes_twice_in_one_file_is_named_with_an_example(build: BuildFile) -> None:
    build.file("ad_spend", "a.csv", 4, 2, 0, 2)
    build.file("ad_spend", "b.csv", 2, 1, 0, 1)
    for row in (2, 3, 4):
        build.base(SPEND, "a.csv", row, "2026-01-31", "c1", latest=row == 4)
    build.base(SPEND, "b.csv", 2, "2026-02-01", "c2", latest=False)  # delivered again in c.csv: nothing odd
    build.base(SPEND, "c.csv", 2, "2026-02-01", "c2")
    (found,) = build.repeated()
    assert (found.file, found.rows, found.example) == ("a.csv", 2, {"spend_date": "2026-01-31", "campaign_id": "c1"})
    assert str(found) == (
        "a.csv: rows that count nowhere because their key comes again further down in the file: 2, such as"
        " spend_date '2026-01-31', campaign_id 'c1'"
    )


def test_rows_at_fault_repeat_no_key(build: BuildFile) -> None:
    build.file("orders", "orders.csv", 3, 1, 1, 1)
    build.base(ORDERS, "orders.csv", 2, "o1", fault="paid_at: not an ISO 8601 time")
    build.base(ORDERS, "orders.csv", 3, "o1", latest=True)
    build.base(ORDERS, "old.csv", 3, "o1", latest=False)
    assert build.repeated() == []


def test_the_contract_is_read_off_the_sources_of_the_connector() -> None:
    def source(source: str, name: str, columns: dict, **meta: object) -> dict:
        return {
            "source_name": source, "name": name, "config": {"meta": meta},
            "columns": {
                column: {"data_type": "string", "config": {"meta": {"key": key}}} for column, key in columns.items()
            },
        }

    manifest = {"sources": {
        "1": source("extracts", "orders", {"order_id": True, "paid_at": False}, required=True),
        "2": source("extracts", "files", {}, landing=True),
        "3": source("extracts", "events", {"event_id": True}, large=True),
        "4": source("olist", "orders", {"order_id": True}),
    }}
    native = findings.contract(manifest, "native")
    assert list(native) == ["orders", "events"]
    assert native["orders"] == Table("orders", True, {"order_id": "string"}, "base_orders")
    assert native["events"].is_large
    olist = findings.contract(manifest, "olist")
    assert olist["orders"].base == "base_olist__orders"
    assert olist["stg_olist__orders"] == native["orders"]
    assert not olist["stg_olist__events"].is_large


def test_kpis_without_a_value_are_told_by_what_they_lack(build: BuildFile) -> None:
    build.connection.execute(
        """
        create table marts.dim_kpi as select * from (values
            ('return_rate', 'returns', false), ('refund_rate', 'returns refunds|claims', false),
            ('claim_rate', 'refunds|claims', false), ('gmv', '', true), ('odd', 'payments', false),
            ('bounce_rate', 'events events:page_view', false), ('late', 'orders.paid_at|payments.status=ok', false)
        ) as k (kpi_id, needs, has_data);
        create table intermediate.int_inputs as select * from (values
            ('returns', false), ('refunds|claims', false), ('payments', true), ('events', false),
            ('events:page_view', false), ('orders.paid_at|payments.status=ok', false)
        ) as i (need, is_present)
        """
    )
    without = findings.kpis_without_value(build.connection)
    assert [(kpi.kpi_id, kpi.lacks) for kpi in without] == [
        ("bounce_rate", ["events", "events:page_view"]), ("claim_rate", ["refunds|claims"]),
        ("late", ["orders.paid_at|payments.status=ok"]), ("odd", []), ("refund_rate", ["returns", "refunds|claims"]),
        ("return_rate", ["returns"]),
    ]
    assert sorted(findings.lines_without_value(without, {"orders", "payments"})) == [
        "what they need is there, but nothing to count or to divide: odd",
        "without events: bounce_rate",
        "without orders.paid_at or payments.status=ok: late",
        "without refunds or claims, returns: refund_rate",
        "without refunds or claims: claim_rate",
        "without returns: return_rate",
    ]


def test_feeds_that_begin_late_or_ended_early_are_told(build: BuildFile) -> None:
    build.connection.execute(
        """
        create table intermediate.int_span as select date '2026-01-01' as span_start, date '2026-10-31' as as_of;
        create table intermediate.int_feeds as select * from (values
            ('payments', 'payments.attempted_at', true, date '2026-01-01', date '2026-10-31', false),
            ('reviews', 'reviews.created_at', true, date '2026-03-01', date '2026-09-01', true),
            ('claims', 'claims.opened_at', true, date '2026-01-01', date '2026-09-02', true),
            ('seller_fees', 'seller_fees.charged_at', true, date '2026-02-01', date '2026-08-02', true),
            ('refunds', 'refunds.refunded_at', false, null, null, false)
        ) as f (table_name, feed, is_present, covers_from, covers_to, is_ended)
        """
    )
    claims, reviews, fees = findings.feeds_in_part(build.connection)
    assert str(fees) == "seller_fees.charged_at begins on 2026-02-01 and ended on 2026-08-02: nothing counts beyond"
    assert str(claims) == "claims.opened_at ended on 2026-09-02: periods beyond have no value"
    both = "reviews.created_at begins on 2026-03-01 and ended on 2026-09-01: periods beyond have no value"
    assert str(reviews) == both
    assert (reviews.covers_from, reviews.covers_to) == (date(2026, 3, 1), date(2026, 9, 1))
    assert (claims.ended, claims.begins_late) == (True, False)
