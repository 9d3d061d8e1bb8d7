"""A folder of deliveries becomes a landing: what is read, kept, forgotten, refused and warned of."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ops import land as module
from ops.land import LandingError, land
from ops.project import ROOT, ProjectError

CUSTOMERS = "customer_id,created_at,email\n"
SELLERS = "seller_id,registered_at\n"
PRODUCTS = "product_id\n"
ORDERS = "order_id,customer_id,ordered_at,currency,paid_at\n"
LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price\n"
REVIEWS = "review_id,order_id,rating,created_at,comment\n"


def column(name: str, data_type: str = "string", **meta: object) -> dict:
    return {"name": name, "data_type": data_type, **({"config": {"meta": meta}} if meta else {})}


KEY, REQUIRED = {"key": True}, {"required": True}
TABLES = {
    "customers": [column("customer_id", **KEY), column("created_at", "timestamp"), column("email", pii=True)],
    "sellers": [column("seller_id", **KEY), column("registered_at", "timestamp")],
    "products": [column("product_id", **KEY), column("category")],
    "orders": [
        column("order_id", **KEY), column("customer_id", **REQUIRED), column("ordered_at", "timestamp", **REQUIRED),
        column("currency", **REQUIRED), column("paid_at", "timestamp", must_be_delivered=True),
        column("country"), column("is_test", "boolean"),
    ],
    "order_lines": [
        column("order_line_id", **KEY), column("order_id", **REQUIRED), column("seller_id", **REQUIRED),
        column("product_id", **REQUIRED), column("quantity", "bigint", **REQUIRED),
        column("unit_price", "decimal(18,4)", **REQUIRED), column("delivered_at", "timestamp"),
    ],
    "reviews": [
        column("review_id", **KEY), column("order_id", **REQUIRED), column("rating", "bigint", **REQUIRED),
        column("created_at", "timestamp", **REQUIRED), column("comment"),
    ],
    "returns": [column("return_id", **KEY), column("reason")],
    "claims": [column("claim_id", **KEY)],
    "refunds": [column("refund_id", **KEY)],
    "seller_fees": [column("fee_id", **KEY)],
    "exchange_rates": [column("currency", **KEY), column("rate_date", "date", **KEY), column("rate_to_eur", "double")],
    "features": [
        column("feature", **KEY), column("released_at", "timestamp"), column("description"), column("share", "double"),
        column("day", "date"), column("count", "bigint"), column("price", "decimal(18,4)"), column("flag", "boolean"),
    ],
}
NEEDED = ("customers", "sellers", "products", "orders", "order_lines")


def write_contract(path: Path, name: str, tables: dict[str, list], **files: str) -> None:
    rows = [
        {"name": "files", "config": {"meta": {"landing": True}}},
        {"name": "unreadable", "config": {"meta": {"landing": True}}, "columns": []},
        *(
            {
                "name": table, "columns": columns,
                "config": {"meta": {"required": table in NEEDED, **({"file": files[table]} if table in files else {})}},
            }
            for table, columns in tables.items()
        ),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"sources": [{"name": "other", "tables": []}, {"name": name, "tables": rows}]}))


class Market:
    """A folder of extracts, good until a test breaks it, its contract and its landing."""

    def __init__(self, work: Path):
        self.extracts, self.landing, self.staging = work / "extracts", work / "landing", work / "staging"
        self.said: list[str] = []
        write_contract(self.staging / "sources.yml", "extracts", TABLES)
        write_contract(
            self.staging / "shop" / "sources.yml", "shop", {"orders": [column("id", **KEY)]}, orders="shop_orders"
        )
        self.write("customers.csv", CUSTOMERS + "c1,2026-01-01T10:00:00Z,ann@example.org\n")
        self.write("sellers.csv", SELLERS + "s1,2026-01-01T10:00:00Z\n")
        self.write("products.csv", PRODUCTS + "p1\n")
        self.write("orders.csv", ORDERS + "o1,c1,2026-01-02T10:00:00Z,EUR,\n")
        self.write("order_lines.csv", LINES + "l1,o1,s1,p1,1,9.99\n")

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.extracts / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def parquet(self, name: str, columns: dict, **options) -> Path:
        path = self.write(name, b"")
        pq.write_table(pa.table(columns) if isinstance(columns, dict) else columns, path, **options)
        return path

    def land(self, **options) -> module.Landed:
        return land(self.extracts, self.landing, say=self.said.append, **options)

    def problems(self) -> str:
        with pytest.raises(LandingError) as raised:
            self.land()
        return str(raised.value)

    def files(self) -> dict[str, dict]:
        return {row["file_name"]: row for row in pq.read_table(self.landing / "_files.parquet").to_pylist()}

    def unreadable(self, name: str | None = None) -> list[tuple]:
        files = {row["file_id"]: row["file_name"] for row in self.files().values()}
        rows = pq.read_table(self.landing / "_unreadable.parquet").to_pylist()
        found = [(files[row["file_id"]], row["row_number"], row["reason"], row["content"]) for row in rows]
        return sorted(row[1:] for row in found if row[0] == name) if name else sorted(found)

    def rows(self, name: str) -> list[dict]:
        return pq.read_table(self.files()[name]["path"]).to_pylist()

    def everything(self) -> dict:
        """What the landing holds but for the time of landing, all in comparable form."""
        files = {name: {**row, "landed_at": None} for name, row in self.files().items()}
        return {
            "files": files,
            "unreadable": self.unreadable(),
            "rows": {name: self.rows(name) for name, row in files.items() if row["path"]},
            "names": sorted(
                path.relative_to(self.landing).as_posix() for path in self.landing.rglob("*") if path.is_file()
            ),
        }


@pytest.fixture
def market(tmp_path, monkeypatch) -> Market:
    market = Market(tmp_path)
    monkeypatch.setattr(module, "STAGING", market.staging)
    return market


# --- What a landing is


def test_a_landing(market):
    market.write("orders/dt=2026-03-01/late.csv.gz", gzip.compress(
        ("mood," + ORDERS + "fine,o2,c1,,EUR,\n" + "bad\n").encode()
    ))
    market.parquet("features.parquet", {"feature": ["f1"], "released_at": [datetime(2026, 1, 1)], "extra": [[1]]})
    landed = market.land()
    assert (sorted(landed.read), landed.kept, landed.forgotten) == (sorted(market.files()), 0, [])
    assert landed.files == list(market.files().values())

    row = market.files()["orders/dt=2026-03-01/late.csv.gz"]
    assert (row["table_name"], row["dt"], row["place"]) == (
        "orders", "2026-03-01", "2026-03-01/orders/dt=2026-03-01/late.csv.gz"
    )
    assert row["too_late"] == datetime(2026, 3, 3)
    assert row["path"] == str(market.landing / "orders" / f"{row['file_id']}.parquet")
    assert (row["format"], row["row_source"], row["rows_read"], row["refused"]) == ("csv", "_row", 2, None)
    assert json.loads(row["kinds"]) == dict.fromkeys(ORDERS.strip().split(","), "text")
    assert row["unknown_columns"] == "mood"
    assert row["bytes"] == (market.extracts / row["file_name"]).stat().st_size
    assert abs(row["landed_at"] - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=1)
    assert market.rows(row["file_name"]) == [
        {"order_id": "o2", "customer_id": "c1", "ordered_at": None, "currency": "EUR", "paid_at": None, "_row": 2}
    ]
    assert market.unreadable() == [(row["file_name"], 3, "1 fields where the header has 6", "bad")]

    row = market.files()["features.parquet"]
    assert (row["dt"], row["place"]) == (None, "/features.parquet")
    assert (row["format"], row["row_source"]) == ("parquet", "ordinal")
    written = datetime.fromtimestamp((market.extracts / "features.parquet").stat().st_mtime, UTC).date()
    assert row["too_late"] == datetime.combine(written + timedelta(days=2), datetime.min.time())
    assert json.loads(row["kinds"]) == {"feature": "text", "released_at": "time"}
    assert Path(row["path"]).is_symlink()
    assert Path(row["path"]).resolve() == (market.extracts / "features.parquet").resolve()


def test_the_engine_finds_each_file_under_its_path(market):
    market.parquet("reviews/a b's [1].parquet", {"review_id": ["r1"], "order_id": ["o1"], "rating": [5],
                                                 "created_at": [datetime(2026, 1, 1)]})
    market.write("reviews/x.csv", REVIEWS + "r2,o1,4,2026-01-03,\n")
    market.land()
    read = f"read_parquet('{market.landing}/reviews/*.parquet', union_by_name = true, filename = 'path')"
    paths = {path for (path,) in duckdb.sql(f"select distinct path from {read}").fetchall()}
    assert paths == {row["path"] for row in market.files().values() if row["table_name"] == "reviews"}


def test_every_table_has_its_columns_even_when_nothing_was_delivered(market):
    market.land()
    for table, columns in TABLES.items():
        nothing = pq.read_table(market.landing / table / "_none.parquet")
        assert nothing.num_rows == 0
        assert nothing.schema == pa.schema([*((c["name"], pa.string()) for c in columns), ("_row", pa.int64())])


def test_the_landing_is_private(market):
    market.landing.mkdir(mode=0o755)
    market.land()
    assert stat.S_IMODE(market.landing.stat().st_mode) == 0o700


def test_schemas(market):
    market.land()
    assert pq.read_schema(market.landing / "_files.parquet").equals(module.FILES)
    assert pq.read_schema(market.landing / "_unreadable.parquet").equals(module.UNREADABLE)


# --- Deliveries over time


def stamps(market: Market) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in market.landing.rglob("*") if path.name != ".lock"}


def test_nothing_new_reads_and_writes_nothing(market, monkeypatch):
    market.write("reviews.csv", REVIEWS + "r1\n")
    market.write("orders/a.csv", (ORDERS + "o1\n").encode("utf-16"))
    first = market.land()
    before = stamps(market)
    monkeypatch.setattr(module, "CsvFile", None)
    second = market.land()
    assert stamps(market) == before
    assert (second.read, second.kept, second.forgotten) == ([], len(first.files), [])
    assert second.files == first.files
    assert second.warnings == first.warnings


def test_changed_withdrawn_and_new_files(market):
    market.write("reviews/a.csv", REVIEWS + "r1\n")
    market.write("reviews/b.csv", REVIEWS + "r2\n")
    market.write("reviews/c.csv", REVIEWS + "r3\n")
    market.land()
    (market.extracts / "reviews/a.csv").unlink()
    market.write("reviews/b.csv", REVIEWS + "r2,more\n")
    market.write("reviews/d.csv", REVIEWS + "r4\n")
    landed = market.land()
    assert (landed.read, landed.forgotten) == (["reviews/b.csv", "reviews/d.csv"], ["reviews/a.csv", "reviews/b.csv"])
    assert landed.kept == len(landed.files) - 2
    assert [row[0] for row in market.unreadable()] == ["reviews/b.csv", "reviews/c.csv", "reviews/d.csv"]
    held = {path.name for path in (market.landing / "reviews").iterdir()}
    ids = {row["file_id"] for row in landed.files if row["table_name"] == "reviews"}
    assert held == {f"{file_id}.parquet" for file_id in ids} | {"_none.parquet"}
    assert market.everything() == clean(market).everything()


def clean(market: Market) -> Market:
    """The same extracts landed from nothing."""
    other = Market.__new__(Market)
    other.__dict__.update(market.__dict__, landing=market.landing.parent / "clean")
    other.land()
    strip(other, market)
    return other


def strip(other: Market, market: Market) -> None:
    """Paths of one landing look like those of the other."""
    other.files = lambda: {
        name: {**row, "path": row["path"] and row["path"].replace(str(other.landing), str(market.landing))}
        for name, row in Market.files(other).items()
    }
    other.rows = lambda name: pq.read_table(Market.files(other)[name]["path"]).to_pylist()


def test_the_same_size_at_another_time_is_another_file(market):
    market.land()
    market.write("products.csv", PRODUCTS + "p2\n")
    os.utime(market.extracts / "products.csv", ns=(0, 1_700_000_000_000_000_000))
    assert market.land().read == ["products.csv"]
    assert market.rows("products.csv") == [{"product_id": "p2", "_row": 2}]


def test_full_reads_everything_again_to_the_same_end(market):
    market.write("reviews.csv", REVIEWS + "r1\n")
    first = market.land()
    before = market.everything()
    again = market.land(full=True)
    assert (sorted(again.read), again.kept, again.forgotten) == (sorted(first.read), 0, [])
    assert market.everything() == before


def test_another_folder_replaces_everything(market, tmp_path):
    market.write("reviews.csv", REVIEWS + "r1\n")
    market.land()
    (tmp_path / "moved").mkdir()
    market.extracts.rename(tmp_path / "moved" / "extracts")
    market.extracts = tmp_path / "moved" / "extracts"
    (market.extracts / "reviews.csv").unlink()
    landed = market.land()
    assert (landed.kept, landed.forgotten) == (0, [])
    assert sorted(market.files()) == sorted(f"{table}.csv" for table in NEEDED)
    assert market.everything() == clean(market).everything()


def test_another_connector_replaces_everything(market):
    market.land()
    market.write("shop_orders.csv", "id,x\n1,2\n")
    landed = market.land(connector="shop")
    assert [row["file_name"] for row in landed.files] == ["shop_orders.csv"]
    assert market.rows("shop_orders.csv") == [{"id": "1", "_row": 2}]
    assert sorted(path.name for path in market.landing.iterdir() if path.is_dir()) == ["orders"]
    market.land()
    assert sorted(market.files()) == sorted(f"{table}.csv" for table in NEEDED)


def test_a_changed_contract_reads_the_table_again(market):
    market.write("products.csv", "product_id,colour\np1,red\n")
    market.land()
    more = {**TABLES, "products": [*TABLES["products"], column("colour")]}
    write_contract(market.staging / "sources.yml", "extracts", more)
    landed = market.land()
    assert (landed.read, landed.forgotten) == (["products.csv"], [])
    assert market.rows("products.csv") == [{"product_id": "p1", "colour": "red", "_row": 2}]
    assert "colour" in pq.read_schema(market.landing / "products" / "_none.parquet").names
    assert landed.warnings == []


def test_what_is_missing_in_the_landing_is_landed_again(market):
    market.land()
    before = market.everything()
    Path(market.files()["orders.csv"]["path"]).unlink()
    assert market.land().read == ["orders.csv"]
    assert market.everything() == before
    (market.landing / "_files.parquet").write_bytes(b"broken")
    market.land()
    assert market.everything() == before


def test_problems_leave_the_landing_as_it_was(market):
    market.land()
    before = stamps(market)
    market.write("orders.csv", "order_id\no1\n")
    market.write("claims.csv", "claim_id\nx\n")
    market.problems()
    assert stamps(market) == before


# --- What stops a build: one message


def test_one_message_names_every_problem(market):
    market.write("customers.csv", '"customer_id,created_at\nc1,2026-01-01T10:00:00Z\n')
    market.write("sellers.csv", b"")
    (market.extracts / "products.csv").rename(market.extracts / "product.csv")
    market.write("orders.csv", "order_id,Customer-ID,ordered_at,currency\n")
    market.write("order_lines.csv", LINES.replace("\n", ",quantity,,\n"))
    market.write("returns/dt=2026-13-01/part.csv", "return_id\n")
    market.write("reviews/dt=2026-3-9/part.csv", REVIEWS)
    market.write("claims.csv", "claim_id;reason\n")
    market.write("refunds.csv", '"refund_id"\t"amount"\n')
    market.write("seller_fees.parquet", b"PAR1 not parquet PAR1")
    message = market.problems()
    assert message.startswith("The extracts cannot be loaded:\n  ")
    for problem in (
        "the required table products is missing: no products.csv, .csv.gz, .parquet or folder products of such files "
        f"in {market.extracts}; found instead: product\n",
        "customers.csv: the header line is not well-formed CSV\n",
        "sellers.csv: empty file, not even a header",
        "orders.csv: the required column customer_id is missing; found instead: Customer-ID\n",
        "orders.csv: the required column paid_at is missing; "
        "found instead: order_id, Customer-ID, ordered_at, currency\n",
        "order_lines.csv: the header has the column quantity more than once\n",
        "order_lines.csv: the header has the column '' more than once\n",
        "returns/dt=2026-13-01/part.csv: the folder dt=2026-13-01 is not a day (dt=YYYY-MM-DD)\n",
        "reviews/dt=2026-3-9/part.csv: the folder dt=2026-3-9 is not a day (dt=YYYY-MM-DD)\n",
        "claims.csv: the required column claim_id is missing: "
        "the header is separated by semicolons; commas are expected\n",
        "refunds.csv: the required column refund_id is missing: "
        "the header is separated by tabs; commas are expected\n",
        f"{market.extracts}/seller_fees.parquet: ",
    ):
        assert problem in message + "\n"
    assert not (market.landing / "_files.parquet").exists()


@pytest.mark.parametrize("day", ["2026-3-10", "20260310", "2026-02-30", "9999-12-31", "", "__HIVE_DEFAULT_PARTITION__"])
def test_days_are_days(market, day):
    market.write(f"orders/dt={day}/part.csv", ORDERS)
    assert f"the folder dt={day} is not a day" in market.problems()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.csv.gz", b"not gzip at all"),
        ("orders.csv.gz", gzip.compress((ORDERS * 9999).encode())[:-99]),
        ("orders.csv.gz", gzip.compress((ORDERS * 9999).encode())[:50] + b"\0" * 99),
        ("orders.parquet", b"PAR1 not parquet PAR1"),
        ("orders.parquet", b"x"),
    ],
)
def test_a_broken_container_is_named(market, name, content):
    market.write(name, content)
    assert str(market.extracts / name) in market.problems()


def test_a_table_may_lie_in_a_file_and_a_folder(market):
    market.write("orders/a.csv", ORDERS + "o2,c1,2026-01-02T10:00:00Z,EUR,\n")
    market.write("orders/deep/er/b.csv", ORDERS)
    market.write("orders.csv.gz", gzip.compress(ORDERS.encode()))
    market.land()
    names = [row["file_name"] for row in market.files().values() if row["table_name"] == "orders"]
    assert sorted(names) == ["orders.csv", "orders.csv.gz", "orders/a.csv", "orders/deep/er/b.csv"]


def test_files_without_content(market):
    market.write("orders/empty.csv", b"")
    market.write("orders/blank.csv", b"\r\n\r\n")
    market.write("reviews.csv", b"")
    market.write("returns.parquet", b"")
    market.write("claims.csv.gz", b"")
    market.write("refunds.csv.gz", gzip.compress(b""))
    landed = market.land()
    assert sorted(market.files()) == sorted(f"{table}.csv" for table in NEEDED)
    assert sorted(landed.warnings) == sorted(
        f"{name}: empty file, not even a header" for name in
        ("orders/empty.csv", "orders/blank.csv", "reviews.csv", "returns.parquet", "claims.csv.gz", "refunds.csv.gz")
    )
    for content in (b"", b"\n\n", b"\xef\xbb\xbf"):
        market.write("orders.csv", content)
        assert "orders.csv: empty file, not even a header" in market.problems()


def test_personal_values_are_in_no_message(market):
    market.write("customers.csv", "c1,2026-01-01T10:00:00Z,ann@example.org\nc2,,bob@example.org\n")
    message = market.problems()
    assert "the required column customer_id is missing; found instead: 3 other names, not shown" in message
    assert "example.org" not in message
    market.write("customers.csv", CUSTOMERS + "c1,,ann@example.org,more\n" + 'c2,"2"x,bob@example.org\n')
    landed = market.land()
    told = "\n".join([*landed.warnings, *market.said, landed.overview])
    assert "example.org" not in told
    assert [row[0] for row in market.unreadable("customers.csv")] == [2, 3]


# --- Which files


def test_links_are_followed_but_not_in_circles(market, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "part.csv").write_text(REVIEWS + "r1,o1,5,2026-01-03,\n")
    pq.write_table(pa.table({"feature": ["f1"]}), tmp_path / "f.parquet")
    (market.extracts / "reviews").symlink_to(elsewhere)
    (market.extracts / "features.parquet").symlink_to(tmp_path / "f.parquet")
    (elsewhere / "again").symlink_to(elsewhere)
    (elsewhere / "home").symlink_to(market.extracts)
    market.land()
    assert {"reviews/part.csv", "features.parquet"} <= market.files().keys()
    assert not [name for name in market.files() if "again" in name or "home" in name]
    assert Path(market.files()["features.parquet"]["path"]).readlink() == tmp_path / "f.parquet"
    (market.extracts / "returns.csv").symlink_to(tmp_path / "nowhere")
    assert "returns.csv: a link to nothing" in market.problems()


def test_hidden_files_and_folders_are_never_data(market):
    for name in ("orders/_temporary/0/part.csv", "orders/.ipynb_checkpoints/part.csv", "orders/_SUCCESS", ".orders.csv",
                 "_orders.csv", "orders/._part.csv", "_old/orders.csv", "orders/.part.csv.crc"):
        market.write(name, "broken")
    landed = market.land()
    assert landed.warnings == []
    assert sorted(market.files()) == sorted(f"{table}.csv" for table in NEEDED)


def test_what_nobody_reads_is_named_with_the_name_it_should_have(market):
    names = {
        "reviews.CSV": "reviews.CSV (should be reviews.csv)",
        "claims.csv.zip": "claims.csv.zip (should be claims.csv)",
        "refunds.xlsx": "refunds.xlsx (should be refunds.csv)",
        "Returns.csv": "Returns.csv (should be returns.csv)",
        "orders-2026.csv": "orders-2026.csv (should be orders/orders-2026.csv)",
        "Orders.csv": "Orders.csv (should be orders/Orders.csv)",
        "Seller Fees.csv": "Seller Fees.csv (should be seller_fees.csv)",
        "feature.parquet": "feature.parquet (should be features.parquet)",
        "seller_fees.gz": "seller_fees.gz (should be seller_fees.csv.gz)",
        "order_lines": "order_lines (should be order_lines/order_lines.csv)",
        "customers.tsv": "customers.tsv (should be customers/customers.csv)",
        "unheard_of.csv": "unheard_of.csv",
        "orders/part-00000": "orders/part-00000 (should be orders/part-00000.csv)",
        "orders/PART.PARQUET": "orders/PART.PARQUET (should be orders/PART.parquet)",
        "orders/country=DE/part.csv":
            "orders/country=DE/ (of partitions, only dt= is read: country should be a column)",
        "orders/country=DE/more.csv": "",
        "orders/dt=2026-01-01/hour=3/part.csv":
            "orders/dt=2026-01-01/hour=3/ (of partitions, only dt= is read: hour should be a column)",
        "returns.parquet/part-0.parquet": "returns.parquet/ (should be returns/)",
        "Claims/part.csv": "Claims/ (should be claims/)",
        "archive/2025.csv": "archive/",
        # Nothing that anybody means as data
        "truth.json": "", "README": "", "README.md": "", "notes.txt": "", "orders/README.md": "", "pictures/a.png": "",
    }
    for name in names:
        market.write(name, "x")
    market.parquet("orders/part-00001", {"order_id": ["o1"]})
    market.parquet("refunds", {"order_id": ["o1"]})
    names["orders/part-00001"] = "orders/part-00001 (should be orders/part-00001.parquet)"
    names["refunds"] = "refunds (should be refunds.parquet)"
    module_named, module.NAMED = module.NAMED, 99
    try:
        [warning] = market.land().warnings
    finally:
        module.NAMED = module_named
    assert warning.startswith(f"Nobody reads, in {market.extracts}: ")
    assert sorted(warning.split(": ", 1)[1].split(", ")) == sorted(", ".join(filter(None, names.values())).split(", "))
    [warning] = market.land().warnings
    assert warning.endswith(f", and {len([words for words in names.values() if words]) - 20} more")


def test_what_is_no_file_is_left_alone(market):
    os.mkfifo(market.extracts / "orders")
    (market.extracts / "claims").mkdir()
    os.mkfifo(market.extracts / "claims" / "pipe.csv")
    os.mkfifo(market.extracts / "claims" / "pipe")
    market.land()
    assert sorted(market.files()) == sorted(f"{table}.csv" for table in NEEDED)


def test_names_that_are_no_text(market):
    (market.extracts / os.fsdecode(b"unheard\xff.csv")).write_text("x")
    (market.extracts / "un\nheard.csv").write_text("x")
    [warning] = market.land().warnings
    assert warning.endswith("un\ufffdheard.csv, unheard\ufffd.csv")
    market.write("orders/x.csv", ORDERS).rename(market.extracts / "orders" / os.fsdecode(b"\xff.csv"))
    assert "the name of the file is not UTF-8" in market.problems()


def test_unknown_columns_are_named_once_for_all_files_alike(market):
    for day in range(1, 29):
        market.write(f"reviews/dt=2026-02-{day:02}/a.csv", REVIEWS.replace("comment", "mood"))
    market.write("returns.csv", "return_id,Reason\n")
    market.parquet("features.parquet", {"feature": ["f"], "released at": [1], "": [1], "Feature": [1], 'a"\n': [1]})
    assert sorted(market.land().warnings) == [
        "features.parquet has columns that are not in the contract, ignored: released at, '', Feature, 'a\"\\n'",
        "features.parquet: the column Feature is ignored: did you mean feature?",
        "features.parquet: the column released at is ignored: did you mean released_at?",
        "returns.csv has columns that are not in the contract, ignored: Reason",
        "returns.csv: the column Reason is ignored: did you mean reason?",
        "reviews/dt=2026-02-01/a.csv and 27 more have columns that are not in the contract, ignored: mood",
    ]


# --- Rows and files that cannot be read


def test_refused_files_lose_every_line_with_the_reason(market):
    order = "o{},c1,2026-01-02T10:00:00Z,EUR,\n".format
    cases = {
        "orders/mixed.csv": (ORDERS + order(1).replace("\n", "\r\n") + order(2) + "\n" + order(3),
                             "mixed line ends: CR LF in some places, LF or CR in others", [2, 3, 5]),
        "orders/utf16.csv": ((ORDERS + order(1) + order(2)).encode("utf-16"), "UTF-16 or binary, not UTF-8", [2, 3]),
        "orders/utf16_be.csv": ((ORDERS + order(1)).encode("utf-16-be"), "UTF-16 or binary, not UTF-8", [2]),
        "orders/open.csv": (ORDERS + order(1) + '"o2,c1\n' + order(3),
                            "a quote opened in the record on line 3 is never closed", [2, 3, 4]),
        "reviews/swallowed.csv": (REVIEWS + 's1,o1,5,,"open\n' + "s2,o1,5,,\n" + "s3,o1,5,,\n" + 's4,o1,5,,closed",\n',
                                  "a quoted field of the record on line 2 runs over whole records", [2, 3, 4, 5]),
        "orders/header.csv.gz": (gzip.compress(b"order_id,caf\xe9\no1,x\n"), "the header line is not UTF-8", [2]),
    }
    for name, (content, _, _) in cases.items():
        market.write(name, content)
    landed = market.land()
    for name, (_, reason, lines) in cases.items():
        row = market.files()[name]
        assert (row["path"], row["refused"], row["unknown_columns"]) == (None, reason, None)
        assert row["rows_read"] == len(lines)
        assert [(number, found) for number, found, _ in market.unreadable(name)] == [(line, reason) for line in lines]
        assert not (market.landing / row["table_name"] / f"{row['file_id']}.parquet").exists()
    assert market.unreadable("orders/utf16.csv")[0][2] == order(1).strip()
    assert "orders/mixed.csv is refused, all rows are rejected: " + cases["orders/mixed.csv"][1] in landed.warnings
    assert "orders                       6 files" in landed.overview
    assert landed.overview.split("orders ")[1].split("\n")[0].endswith("5 refused")


def test_lost_rows_of_many_batches_are_all_kept(market, monkeypatch):
    monkeypatch.setattr(module, "GROUP_BYTES", 1_000)
    market.write("reviews.csv", REVIEWS + "".join(f"r{number}\n" for number in range(3_000)) + "r,o,5,2026-01-01,\n")
    market.land()
    assert [row[0] for row in market.unreadable("reviews.csv")] == list(range(2, 3_002))
    assert market.rows("reviews.csv")[0]["_row"] == 3_002
    assert market.files()["reviews.csv"]["rows_read"] == 3_001
    # Rows lost before a file is refused are not lost twice.
    market.write("reviews.csv", REVIEWS + "".join(f"r{number}\n" for number in range(3_000)) + '"open')
    market.land()
    rows = market.unreadable("reviews.csv")
    assert [row[0] for row in rows] == list(range(2, 3_003))
    assert {row[1] for row in rows} == {"a quote opened in the record on line 3002 is never closed"}


def test_a_file_that_changes_while_it_is_read(market, monkeypatch):
    market.land()
    read = module._Landing._read

    def slow(self, file, contents):
        row = read(self, file, contents)
        if file.name == "reviews.csv":
            market.write("reviews.csv", REVIEWS + "r1,o1,5,2026-01-03,\n")
        return row

    market.write("reviews.csv", REVIEWS)
    market.write("claims.csv", "claim_id\nx\n")
    monkeypatch.setattr(module._Landing, "_read", slow)
    assert "reviews.csv: changed while it was read" in market.problems()
    monkeypatch.undo()
    monkeypatch.setattr(module, "STAGING", market.staging)
    assert market.land().read == ["reviews.csv"]  # the other one was landed all the same
    assert market.rows("reviews.csv")[0]["review_id"] == "r1"


# --- Parquet of other makers

TIME = datetime(2026, 1, 1, 10)
OF_ANY_MAKER = {
    "text": [pa.array(["a"]), pa.array(["a"], pa.large_string()), pa.array(["a"], pa.string_view()),
             pa.array(["a"]).dictionary_encode(), pa.nulls(1)],
    "whole": [pa.array([7], kind) for kind in (pa.int8(), pa.int64(), pa.uint64())],
    "float": [pa.array([7.0], kind) for kind in (pa.float16(), pa.float32(), pa.float64())],
    "boolean": [pa.array([True])],
    "date": [pa.array([date(2026, 1, 1)], kind) for kind in (pa.date32(), pa.date64())],
    "time": [pa.array([TIME], pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")],
    "instant": [pa.array([TIME], pa.timestamp(*kind)) for kind in (("ms", "UTC"), ("us", "Asia/Tokyo"), ("ns", "UTC"))],
    "decimal(38,4)": [pa.array([Decimal("1.5")], pa.decimal128(38, 4))],
    "decimal(9,2)": [pa.array([Decimal("1.5")], pa.decimal128(9, 2)), pa.array([Decimal("1.5")], pa.decimal256(9, 2))],
    "uuid": [pa.array([UUID(int=7).bytes], pa.uuid())],
}
ENGINE = {
    "text": {"VARCHAR", '"NULL"'}, "whole": {"TINYINT", "BIGINT", "UBIGINT"}, "float": {"FLOAT", "DOUBLE"},
    "boolean": {"BOOLEAN"}, "date": {"DATE"}, "time": {"TIMESTAMP", "TIMESTAMP_NS"},
    "instant": {"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"}, "uuid": {"UUID"},
}


@pytest.mark.parametrize(("kind", "array"), [(kind, each) for kind, arrays in OF_ANY_MAKER.items() for each in arrays])
@pytest.mark.parametrize(
    "options", [{}, {"use_deprecated_int96_timestamps": True}, {"version": "1.0"}, {"store_schema": False}]
)
def test_kinds_of_linked_parquet(market, kind, array, options):
    if kind in ("time", "instant") and "use_deprecated_int96_timestamps" in options:
        kind = "time"
    market.parquet("features.parquet", {"feature": pa.array(["f"]), "description": array}, **options)
    market.land()
    row = market.files()["features.parquet"]
    assert json.loads(row["kinds"]) == {"feature": "text", "description": kind}
    assert row["row_source"] == "ordinal"
    [(_, engine, *_)] = duckdb.sql(f"describe select description from '{row['path']}'").fetchall()
    assert engine in ENGINE.get(kind, {kind.upper()})


@pytest.mark.parametrize(
    ("expression", "kind"),
    [("1::hugeint", "float"), ("'a'::enum('a')", "text"), ("uuid()", "uuid"), ("timestamp_s '2026-01-01'", "time"),
     ("timestamptz '2026-01-01'", "instant"), ("1.5::decimal(18,4)", "decimal(18,4)"), ("null", "text")],
)
def test_kinds_of_what_duckdb_writes(market, expression, kind):
    path = market.write("features.parquet", b"")
    duckdb.sql(f"copy (select 'f' as feature, {expression} as description) to '{path}' (format parquet)")
    market.land()
    row = market.files()["features.parquet"]
    assert json.loads(row["kinds"])["description"] == kind
    assert row["row_source"] == "ordinal"


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array([b"a", "é".encode(), None, b""]), ["a", "é", None, ""]),
        (pa.array([b"a", b"b", None, b"c"], pa.large_binary()), ["a", "b", None, "c"]),
        (pa.array([b"ab", b"cd", None, b"ef"], pa.binary(2)), ["ab", "cd", None, "ef"]),
        (pa.array([b"a", b"a", None, b"b"]).dictionary_encode(), ["a", "a", None, "b"]),
        (pa.array(["{}", "[1]", None, "1"], pa.json_()), ["{}", "[1]", None, "1"]),
        (pa.array([Decimal("1.50")] * 4, pa.decimal256(50, 2)), ["1.50"] * 4),
        (pa.array([3600 * 10**6] * 4, pa.time64("us")), ["01:00:00.000000"] * 4),
        (pa.array([0, 2**62, None, 1], pa.int64()).cast(pa.timestamp("ms", "Asia/Tokyo")),
         ["1970-01-01 00:00:00.000", f"<value out of range: {2**62}>", None, "1970-01-01 00:00:00.001"]),
    ],
)
def test_parquet_that_sql_cannot_take_becomes_text(market, array, texts):
    market.parquet("features.parquet", {"feature": pa.array(list("wxyz")), "description": array, "extra": [[1]] * 4})
    market.land()
    row = market.files()["features.parquet"]
    assert json.loads(row["kinds"]) == {"feature": "text", "description": "text"}
    assert (row["format"], row["row_source"]) == ("parquet", "_row")
    assert (row["rows_read"], row["unknown_columns"]) == (4, "extra")
    assert not Path(row["path"]).is_symlink()
    assert duckdb.sql(f"from '{row['path']}'").fetchall() == [
        (key, text, number) for number, (key, text) in enumerate(zip("wxyz", texts, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("array", "text"),
    [(pa.array([[1, 2]]), "[1, 2]"), (pa.array([{"a": 1}]), "{'a': 1}"),
     (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), "[('a', 1)]")],
)
def test_what_is_no_value_lands_as_text_so_that_files_go_together(market, array, text):
    market.parquet("features.parquet", {"feature": pa.array(["f"]), "description": array})
    market.land()
    row = market.files()["features.parquet"]
    assert json.loads(row["kinds"]) == {"feature": "text", "description": "other"}
    assert duckdb.sql(f"from '{row['path']}'").fetchall() == [("f", text, 1)]


@pytest.mark.parametrize("declared", [None, pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_bytes_in_parquet_that_are_no_text_lose_their_row(market, declared):
    keys = pa.array([b"a", b"caf\xe9", b"c"])
    if declared:  # as text, which it is not
        keys = pa.Array.from_buffers(pa.string(), 3, keys.buffers())
        keys = keys.dictionary_encode() if pa.types.is_dictionary(declared) else keys
    market.parquet("features.parquet", {"feature": keys, "count": [1, 2, None]}, row_group_size=1)
    market.land()
    assert market.rows("features.parquet") == [
        {"feature": "a", "count": 1, "_row": 1}, {"feature": "c", "count": None, "_row": 3}
    ]
    assert market.unreadable("features.parquet") == [(2, "not UTF-8", "caf\ufffd,2")]
    assert market.files()["features.parquet"]["rows_read"] == 3


@pytest.mark.parametrize(
    "names",
    [["feature", "Feature"], ["feature", "DESCRIPTION"], ["feature", "x", "X"], ["feature", "x", "x"],
     ["feature", "path"], ["feature", "file_row_number"], ["feature", "_row"], ["feature", "_PATH"],
     ["feature", "filename"]],
)
def test_names_that_clash_in_sql(market, names):
    arrays = [pa.array([name]) for name in names]
    market.parquet("features.parquet", pa.Table.from_arrays(arrays, names))
    market.land()
    row = market.files()["features.parquet"]
    assert duckdb.sql(f"from '{row['path']}'").fetchall() == [("feature", 1)]
    assert (row["row_source"], row["unknown_columns"]) == ("_row", ", ".join(names[1:]))


@pytest.mark.parametrize(
    "name", ["file name", 'a"b', "it's", "", "a.b", "a,b", "x\ny", "漢", "select", "feature.x", " feature"]
)
def test_other_names_of_unknown_columns_do_not_matter(market, name):
    market.parquet("features.parquet", {"feature": ["f"], name: [[{"a": 1}]]})
    market.land()
    row = market.files()["features.parquet"]
    assert row["row_source"] == "ordinal"
    read = f"read_parquet(['{row['path']}'], union_by_name = true, filename = '_path', hive_partitioning = false)"
    assert duckdb.sql(f"select feature, file_row_number, _path from {read}").fetchall() == [("f", 0, row["path"])]


def test_a_known_column_twice_in_parquet(market):
    market.parquet("features.parquet", pa.Table.from_arrays([pa.array(["a"])] * 2, ["feature", "feature"]))
    assert "features.parquet: the header has the column feature more than once" in market.problems()
    market.parquet("features.parquet", {"description": ["a"]})
    assert "features.parquet: the required column feature is missing; found instead: description" in market.problems()


def test_parquet_of_several_row_groups_is_rewritten_whole(market, monkeypatch):
    monkeypatch.setattr(module, "GROUP_ROWS", 1_000)
    names = [f"f{number}" for number in range(50_000)]
    columns = {"feature": names, "price": [Decimal(7)] * 50_000, "PATH": [1] * 50_000}
    market.parquet("features.parquet", columns, row_group_size=3_333)
    market.land()
    row = market.files()["features.parquet"]
    assert json.loads(row["kinds"]) == {"feature": "text", "price": "decimal(1,0)"}
    totals = "count(*), sum(price), bool_and(feature = 'f' || (_row - 1))"
    assert duckdb.sql(f"select {totals} from '{row['path']}'").fetchall() == [(50_000, 350_000, True)]
    market.parquet("features.parquet", {name: values[:0] for name, values in columns.items()})
    market.land()
    assert market.rows("features.parquet") == []


# --- Killed, and two at once

RUN = """
import sys
from pathlib import Path
from ops import land
land.STAGING = Path(sys.argv[1])
land.SAVE_EVERY = float(sys.argv[4])
land.land(Path(sys.argv[2]), Path(sys.argv[3]), say=lambda words: None)
"""


def start(market: Market, save_every: float = 0.0) -> subprocess.Popen:
    arguments = [str(market.staging), str(market.extracts), str(market.landing), str(save_every)]
    return subprocess.Popen([sys.executable, "-c", RUN, *arguments], cwd=ROOT, stderr=subprocess.PIPE)


def many_files(market: Market, dice: random.Random, count: int = 60) -> None:
    """Deliveries of every kind: good, with lost rows, refused, linked, rewritten; some changed, some withdrawn."""
    for number in range(count):
        name = f"reviews/dt=2026-02-{number % 28 + 1:02}/{number}.csv"
        rows = "".join(f"r{dice.random()},o1,5,2026-01-03,{'' if dice.random() < 0.9 else 'x,y'}\n" for _ in range(300))
        match dice.randint(0, 5):
            case 0:
                (market.extracts / name).unlink(missing_ok=True)
            case 1:
                market.write(name, REVIEWS + rows + '"open')
            case 2:
                market.parquet(f"features/{number}.parquet", {"feature": [str(dice.random())], "x": [1]})
            case 3:
                market.parquet(f"features/{number}.parquet", {"feature": [str(dice.random())], "Feature": [1]})
            case _:
                market.write(name, REVIEWS.replace("\n", ",x\n") + rows.replace("\n", ",x\n"))


def test_killed_at_any_moment_the_next_run_goes_on(market):
    dice, killed = random.Random(3), 0
    market.land()
    for attempt in range(12):
        many_files(market, dice)
        process = start(market)
        lock = market.landing / "_source.json"
        assert lock.is_file()
        time.sleep(dice.uniform(0.25, 0.8) if attempt % 3 else 0.0)
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += process.returncode == -signal.SIGKILL
        # What a killed run left behind is whole: every landed file that the list names is there and can be read.
        for row in market.files().values():
            if row["path"] and Path(row["path"]).exists():
                assert pq.read_metadata(row["path"]).num_columns
        if attempt % 2:
            market.land()
            assert market.everything() == clean(market).everything()
            assert not [path for path in market.landing.rglob(".*") if path.name != ".lock"]
    market.land()
    assert market.everything() == clean(market).everything()
    assert killed >= 6


def test_a_run_killed_between_any_two_writes(market, monkeypatch):
    """As above, with the moment chosen: after the first, second ... renaming of a file."""
    dice, replace = random.Random(5), Path.replace
    market.land()
    steps = 0
    while True:
        many_files(market, dice, 6)
        more = {**TABLES, "reviews": [*TABLES["reviews"], column("x")]} if steps % 3 else TABLES
        write_contract(market.staging / "sources.yml", "extracts", more)
        left = steps

        def step(self, target):
            nonlocal left
            if left == 0:  # and so it stays: nothing else is written
                raise KeyboardInterrupt
            left -= 1
            return replace(self, target)

        monkeypatch.setattr(module, "SAVE_EVERY", -1 if steps % 2 else 30)
        monkeypatch.setattr(Path, "replace", step)
        try:
            market.land()
            done = True
        except KeyboardInterrupt:
            done = False
        monkeypatch.setattr(Path, "replace", replace)
        market.land()
        assert market.everything() == clean(market).everything()
        if done:
            break
        steps += 1
    assert steps > 5


def test_two_landings_at_once(market):
    many_files(market, random.Random(9))
    processes = [start(market) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert market.everything() == clean(market).everything()
    for process in processes:
        process.stderr.close()


def test_a_second_landing_waits_and_says_so(market):
    market.land()
    with (market.landing / ".lock").open("w") as lock:
        module.fcntl.flock(lock, module.fcntl.LOCK_EX)
        thread = threading.Thread(target=market.land)
        thread.start()
        time.sleep(0.3)
        assert market.said == [f"Waiting for another run that lands files in {market.landing}."]
    thread.join(timeout=20)
    assert not thread.is_alive()


# --- Asked for wrongly, and the command


def test_wrong_use(market, tmp_path):
    with pytest.raises(ProjectError, match="The connector 'shopify' is unknown; there are native, shop"):
        market.land(connector="shopify")
    with pytest.raises(ProjectError, match="nowhere is not a folder"):
        land(tmp_path / "nowhere", market.landing)
    for landing in (market.extracts, market.extracts / "landing", tmp_path):
        with pytest.raises(ProjectError, match="lie in one another"):
            land(market.extracts, landing)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.parquet").write_text("dear")
    with pytest.raises(ProjectError, match="holds other things than landed files"):
        land(market.extracts, tmp_path / "mine")
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) != 0o700
    with pytest.raises(ProjectError, match="LANDING_DIR"):
        land(market.extracts, tmp_path / "mine" / "letter.parquet")


def test_files_of_another_connector(market):
    (market.extracts / "orders.csv").unlink()
    market.write("shop_orders.csv", "id\n1\n")
    assert market.problems() == (
        f"The extracts cannot be loaded:\n  {market.extracts} holds the files of another connector: set CONNECTOR=shop"
    )


@pytest.fixture
def command(market, monkeypatch, capsys):
    def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
        for name in ("EXTRACTS_DIR", "LANDING_DIR", "CONNECTOR"):
            monkeypatch.delenv(name, raising=False)
        settings = {"EXTRACTS_DIR": str(market.extracts), "LANDING_DIR": str(market.landing), **environment}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["ops.land", *arguments])
        code = module.main()
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


def test_the_command_tells_what_is_there(market, command):
    market.write("returns.csv", "return_id,mood\nr1,x\n")
    market.write("reviews.csv", REVIEWS.encode("utf-16"))
    code, out, err = command()
    assert (code, err) == (0, "")
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.splitlines()}
    assert lines["orders"] == "1 file, 81 bytes, 1 row"
    assert lines["claims"] == "not delivered"
    assert "Warning: returns.csv has columns that are not in the contract, ignored: mood" in out
    assert out.endswith("7 files read, 0 kept, 0 forgotten.\n")
    assert command()[1].endswith("0 files read, 7 kept, 0 forgotten.\n")
    assert command("--full")[1].endswith("7 files read, 0 kept, 0 forgotten.\n")


def test_the_command_foresees_what_a_build_will_refuse(market, command, monkeypatch):
    monkeypatch.delenv("REPORTING_CURRENCY", raising=False)
    assert "exchange_rates" not in command()[1].partition("Warning")[2]
    market.write("orders.csv", (market.extracts / "orders.csv").read_text().replace(",EUR", ",USD"))
    with (market.extracts / "customers.csv").open("ab") as file:
        file.write("c9,2026-01-01T10:00:00Z,é\n".encode("latin-1"))
    for _ in range(2):  # what is kept is told again
        _, out, _ = command()
        assert "Warning: exchange_rates holds no rate of USD: an amount that needs one stops the build\n" in out
        assert re.search("Warning: customers.csv: 1 row is rejected in a build: .*, first in row [0-9]+\n", out), out
    assert "no rate of" not in command(REPORTING_CURRENCY="USD")[1]
    assert "no rate of GBP, USD:" in command(REPORTING_CURRENCY="GBP")[1]
    market.write("exchange_rates.csv", "currency,rate_date,rate_to_eur\nUSD,2026-01-01,0.9\n")
    assert "no rate of" not in command(REPORTING_CURRENCY="EUR")[1]


def test_exit_codes(market, command, tmp_path):
    (market.extracts / "orders.csv").rename(market.extracts / "orders.CSV")
    code, out, err = command()
    assert code == 1
    assert err.startswith("The extracts cannot be loaded:\n  the required table orders is missing")
    assert [line.split() for line in out.splitlines() if line.startswith("orders ")] == [["orders", "MISSING"]]
    assert "orders.CSV (should be orders.csv)" in out
    code, out, err = command(CONNECTOR="shopify")
    assert (code, out, err) == (3, "", "The connector 'shopify' is unknown; there are native, shop.\n")
    assert command(EXTRACTS_DIR=str(tmp_path / "nowhere"))[0] == 3


def test_progress_is_said(market, monkeypatch):
    monkeypatch.setattr(module, "SPEAK_EVERY", -1)
    monkeypatch.setattr(module, "GROUP_ROWS", 1)
    market.land()
    assert "Landing: looked at 5 of 5 files" in market.said
    assert "Landing: landed 5 of 5 files" in market.said
    assert "Landing: 1 row of orders" in market.said


def test_the_project_has_a_contract_for_every_connector():
    assert set(module._connectors()) >= {"native"}
    for connector, path in module._connectors().items():
        if path.is_file():
            tables = module.contract(connector)
            assert all(any(table.columns.values()) for table in tables.values())
