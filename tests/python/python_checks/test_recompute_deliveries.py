"""Which files the recomputation and rows_read take for data, and what they read in odd but real ones."""

import datetime as dt
import decimal
import gzip
import uuid

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recompute_market import NO_ORDERS, PARTIES, write

from python_checks import rows_read
from python_checks.recompute.contract import TABLES
from python_checks.recompute.extracts import read_extracts
from python_checks.recompute.files import ExtractError, delivered_files

MOMENT = dt.datetime(2024, 5, 1, 10, 0, 0, 123456)
NANOS = 1_714_557_600_123_456_789  # the same instant and 789 ns more
LINE = {"order_line_id": "l1", "order_id": "o1", "seller_id": "s1", "product_id": "p1"}


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path, {**PARTIES, **NO_ORDERS, "orders": f"{NO_ORDERS['orders']}\no1,c1,2024-05-01,,EUR"})


def names(folder, table):
    found = [file.name for file in delivered_files(folder, table)]
    assert list(rows_read.delivered_files(folder, {table})) == found
    return found


def counted(extracts, table):
    own = extracts.files.filter(pl.col("table_name") == table)
    return list(own.select("rows_read", "rows_loaded", "rows_rejected", "rows_superseded").iter_rows())


def reasons(extracts, table):
    return extracts.rejected.filter(pl.col("table_name") == table)["reason"].to_list()


# -- which files ------------------------------------------------------------------------------------------------------


def test_files_count_by_dt_then_name_and_hidden_ones_do_not(tmp_path):
    for name in ("reviews.csv", "reviews/dt=2026-03-10/a.csv", "reviews/dt=2026-03-09/b.csv", "reviews/c.csv",
                 "reviews/more/d.parquet", "reviews/_temporary/0/e.csv", "reviews/.ipynb_checkpoints/f.csv",
                 "reviews/_SUCCESS.csv", "reviews/.g.csv", "reviews/country=DE/h.csv", "reviews/part-0000",
                 "reviews.CSV", "reviews.csv.zip", "Reviews.csv", "reviews-2026.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n")
    (tmp_path / "reviews/empty.csv").touch()
    assert names(tmp_path, "reviews") == [
        "reviews.csv", "reviews/c.csv", "reviews/more/d.parquet", "reviews/dt=2026-03-09/b.csv",
        "reviews/dt=2026-03-10/a.csv"]


@pytest.mark.parametrize("day", ["2026-3-9", "20260309", "2026-02-30", "0026-03-09", "latest", ""])
def test_a_dt_that_is_no_day_is_refused_by_name(tmp_path, day):
    path = tmp_path / "reviews" / f"dt={day}" / "a.csv"
    path.parent.mkdir(parents=True)
    path.write_text("x\n")
    with pytest.raises(ExtractError, match=rf"reviews/dt={day}/a\.csv: the folder dt={day} is no day"):
        delivered_files(tmp_path, "reviews")


def test_links_to_files_and_folders_are_followed(tmp_path):
    real = tmp_path / "elsewhere"
    (real / "days" / "dt=2026-03-10").mkdir(parents=True)
    (real / "days" / "dt=2026-03-10" / "a.csv").write_text("x\n")
    (real / "days" / "again").symlink_to(real / "days")  # a circle
    (real / "one.csv").write_text("x\n")
    folder = tmp_path / "extracts"
    folder.mkdir()
    (folder / "claims.csv").symlink_to(real / "one.csv")
    (folder / "claims").symlink_to(real / "days")
    (folder / "returns.csv").symlink_to(real / "gone.csv")
    assert names(folder, "claims") == ["claims.csv", "claims/dt=2026-03-10/a.csv"]
    assert names(folder, "returns") == []


def test_a_file_without_a_line_is_no_file(folder):
    for name, content in (("claims.csv", b""), ("refunds.csv", b"\r\n"), ("returns.csv.gz", gzip.compress(b""))):
        (folder / name).write_bytes(content)
        assert names(folder, name.split(".")[0]) == []
    assert read_extracts(folder)["claims"].is_empty()
    (folder / "products.csv").write_bytes(b"")
    with pytest.raises(ExtractError, match="no table products"):
        read_extracts(folder)


# -- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "rows"), [
    (b"product_id,category\rp1,a\rp2,b\r", 2),  # ends of an old Mac
    (b"product_id,category\r\np1,a\r\n\r\np2,b", 2),
    (b'product_id,category\n"p1","a,b\n\n""c"""\np2,b\n', 2),
    (b'\xef\xbb\xbf"product_id",category\np1,a\np2,b\n', 2),
    (b'product_id,category\np1,"a\r\nb"\np2,b\n', 2),  # another end inside quotes
    (b'product_id,category\np1,5" wide\np2,b\n', 2),
    (b'product_id,category\n"p1"x,a\np2\np3,b\n', 3),
    (b'product_id,category\np1,caf\xe9\np2,b\n', 2),
    (b'product_id,category\np1,"a\np2,b\n', 2),
    (b'product_id,category\np1,"a\np2,b"x\np3,c\n', 3),
    (b"product_id,category\np1,a\r\np2,b\r", 2),
    (b'product_id,category,brand\np1,"x\np2,b,c\np3"\np4,d,e\n', 4),  # a quoted field runs over a whole record
    ("product_id,category\np1,a\np2,b\n".encode("utf-16"), 2),
    (b"product_id,category\n", 0),
    (b"\n\nproduct_id,category\np1,a\r\np2,b\n", 2),
    (b"product_id,category\np1,a\0\np2,b\n", 2),
    (b'product_id,category,brand\np1,"x\ny",b,"c\nz,z,z"\np4,d,e\n', 2),  # too wide, but no field holds a record
])
def test_both_readers_count_the_same_rows(folder, content, rows):
    (folder / "products.csv").write_bytes(content)
    assert rows_read.count_rows(folder / "products.csv") == rows
    [(read, loaded, rejected, superseded)] = counted(read_extracts(folder), "products")
    assert read == loaded + rejected + superseded == rows
    (folder / "products.csv").unlink()
    (folder / "products.csv.gz").write_bytes(gzip.compress(content))
    assert rows_read.count_rows(folder / "products.csv.gz") == rows
    assert counted(read_extracts(folder), "products") == [(read, loaded, rejected, superseded)]


def test_fields_may_be_long(folder):
    text = "x" * 20_000_000
    content = f"product_id,category,comment\np1,a,{text}\np2,\"{text}\n\",b\n".encode()
    for name, data in (("products.csv", content), ("products.csv.gz", gzip.compress(content, 1))):
        (folder / "products.csv").unlink(missing_ok=True)
        (folder / name).write_bytes(data)
        products = read_extracts(folder)["products"]
        assert products["category"].str.len_chars().to_list() == [1, len(text) + 1]
        assert rows_read.count_rows(folder / name) == 2


# -- Parquet of other makers ------------------------------------------------------------------------------------------


def deliver(folder, table, columns, name="part-0", **options):
    (folder / f"{table}.csv").unlink(missing_ok=True)
    (folder / table).mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / table / f"{name}.parquet", **options)
    assert rows_read.count_rows(folder / table / f"{name}.parquet") == len(next(iter(columns.values())))


@pytest.mark.parametrize(("ids", "texts"), [
    (pa.array(["101"], pa.large_string()), "101"),
    (pa.array(["101"], pa.string_view()), "101"),
    (pa.array([b"101"], pa.binary()), "101"),
    (pa.array([b"101"], pa.binary(3)), "101"),
    (pa.array(["101"]).dictionary_encode(), "101"),
    (pa.array([101], pa.int32()), "101"),
    (pa.array([101.0], pa.float64()), "101"),
    (pa.array([101.5], pa.float32()), "101.5"),
    (pa.array([decimal.Decimal("101")], pa.decimal128(38, 0)), "101"),
    (pa.array([decimal.Decimal("101.00")], pa.decimal256(50, 2)), "101.00"),
    (pa.array([uuid.UUID(int=101).bytes], pa.uuid()), "00000000-0000-0000-0000-000000000065"),
])
def test_ids(folder, ids, texts):
    deliver(folder, "products", {"product_id": ids, "category": ["a"]})
    assert read_extracts(folder)["products"]["product_id"].to_list() == [texts]


@pytest.mark.parametrize(("moments", "options"), [
    (pa.array([MOMENT], pa.timestamp("us")), {}),
    (pa.array([MOMENT], pa.timestamp("us", "UTC")), {}),
    (pa.array([NANOS], pa.timestamp("ns")), {}),
    (pa.array([NANOS], pa.timestamp("ns", "Europe/Paris")), {}),
    (pa.array([NANOS], pa.timestamp("ns")), {"use_deprecated_int96_timestamps": True}),
    (pa.array(["2024-05-01T12:00:00.123456+02:00"]), {}),
])
def test_times(folder, moments, options):
    deliver(folder, "customers", {"customer_id": ["c1"], "created_at": moments}, **options)
    assert read_extracts(folder)["customers"]["created_at"].to_list() == [MOMENT.replace(tzinfo=dt.UTC)]


def test_days(folder):
    day = dt.date(2024, 5, 1)
    for name, days in (("a", pa.array([day])), ("b", pa.array(["2024-05-01"])), ("c", pa.array([day], pa.date64())),
                       ("d", pa.array([dt.datetime(2024, 5, 1)], pa.timestamp("ns"))), ("e", pa.array([MOMENT]))):
        deliver(folder, "operating_costs", {
            "cost_id": [name], "cost_date": days, "kind": ["staff"], "amount": [1], "currency": ["EUR"]}, name=name)
    extracts = read_extracts(folder)
    assert extracts["operating_costs"]["cost_date"].to_list() == [day] * 4
    assert reasons(extracts, "operating_costs") == ["cost_date is no date"]  # ten o'clock is no day


def test_numbers_with_gaps_and_mixed_over_files(folder):
    quantities = {
        "a": pa.array([2.0, None, 2.5, float("nan")]),
        "b": pa.array([2, 10**18, 3, 4], pa.int64()),
        "c": pa.array(["2", "x", "3", "4"]),
        "d": pa.array([decimal.Decimal("2.00"), decimal.Decimal("2.50"), decimal.Decimal("3.00"), None]),
    }
    for name, numbers in quantities.items():
        size = len(numbers)
        deliver(folder, "order_lines", {
            **{column: [value] * size for column, value in LINE.items()},
            "order_line_id": [f"{name}{n}" for n in range(size)], "quantity": numbers,
            "unit_price": pa.array([1.25] * size) if name != "d" else
            pa.array([decimal.Decimal("1.25")] * size, pa.decimal128(38, 18)),
            "filename": [[1]] * size, "Quantity": [{"a": 1}] * size, "": list(range(size)),
        }, name=name)
    extracts = read_extracts(folder)
    assert dict(extracts["order_lines"].select("order_line_id", "quantity").iter_rows()) == {
        "a0": 2, "b0": 2, "b2": 3, "b3": 4, "c0": 2, "c2": 3, "c3": 4, "d0": 2, "d2": 3}
    assert extracts["order_lines"]["unit_price"].unique().to_list() == [12_500]
    assert sorted(reasons(extracts, "order_lines")) == ["quantity is missing"] * 3 + ["quantity is no int"] * 4


def test_bytes_that_are_no_text_cost_their_rows_only(folder):
    deliver(folder, "products", {"product_id": [b"p1", b"p2"], "category": [b"caf\xc3\xa9", b"caf\xe9"]})
    extracts = read_extracts(folder)
    assert extracts["products"]["category"].to_list() == ["café"]
    assert reasons(extracts, "products") == ["not UTF-8"]


def test_known_columns_of_impossible_types_are_rejected(folder):
    deliver(folder, "products", {"product_id": ["p1", "p2"], "category": [["a"], None]})
    extracts = read_extracts(folder)
    assert extracts["products"]["product_id"].to_list() == ["p2"]
    assert reasons(extracts, "products") == ["category is no text"]


def test_no_parquet_at_all(folder):
    (folder / "claims.parquet").write_bytes(b"PK\x03\x04 not that")
    with pytest.raises(ExtractError, match=r"claims\.parquet: not a readable Parquet file"):
        read_extracts(folder)


# -- bounds and what wins ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("quantity", "price", "reason"), [
    ("1", "99999999999999.9999", None),
    ("1", "100000000000000.00", "unit_price is no money"),
    ("10", "9999999999999.99", None),
    ("10", "10000000000000.00", "quantity x unit_price is not below 100000000000000"),
    ("999999999999999999", "0.0001", None),
    ("999999999999999999", "99999999999999.99", "quantity x unit_price is not below 100000000000000"),
    ("1000000000000000000", "0.00", "quantity is no int"),
])
def test_what_would_overflow_is_rejected(folder, quantity, price, reason):
    header = f"{','.join(LINE)},quantity,unit_price\n"
    (folder / "order_lines.csv").write_text(f"{header}{','.join(LINE.values())},{quantity},{price}\n")
    assert reasons(read_extracts(folder), "order_lines") == ([reason] if reason else [])
    number = pa.array([decimal.Decimal(price)], pa.decimal128(38, 4))
    deliver(folder, "order_lines", {
        **{name: [value] for name, value in LINE.items()}, "quantity": [int(quantity)], "unit_price": number})
    assert reasons(read_extracts(folder), "order_lines") == ([reason] if reason else [])


def test_the_latest_line_wins_though_its_order_is_unknown(folder):
    header = f"{','.join(LINE)},quantity,unit_price\n"
    for day, row in (("2024-05-01", "l1,o1,s1,p1,1,1.00"), ("2024-05-02", "l1,o9,s1,p1,1,1.00"),
                     ("2024-05-03", "l1,o1,s1,p1,none,1.00")):
        path = folder / "order_lines" / f"dt={day}" / "a.csv"
        path.parent.mkdir(parents=True)
        path.write_text(f"{header}{row}\n")
    (folder / "order_lines.csv").unlink()
    extracts = read_extracts(folder)
    assert extracts["order_lines"].is_empty()
    assert counted(extracts, "order_lines") == [(1, 0, 0, 1), (1, 0, 1, 0), (1, 0, 1, 0)]
    assert reasons(extracts, "order_lines") == ["order_id names no order", "quantity is no int"]


def test_every_key_is_kept():
    for table in TABLES.values():
        assert set(table.key) <= set(table.used)
