"""The reader of the recomputation: which rows count, which do not, and why."""

import datetime as dt
import gzip
import os

import polars as pl
import pytest
from recompute_market import NO_ORDERS, PARTIES, write

from python_checks.recompute.contract import TABLES
from python_checks.recompute.coverage import Presence
from python_checks.recompute.extracts import read_extracts
from python_checks.recompute.files import ExtractError
from python_checks.recompute.judge import judge

LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price,seller_discount"


def read(folder, **tables):
    return read_extracts(write(folder, {**PARTIES, **NO_ORDERS, **tables}))


def reasons(extracts, table):
    own = extracts.rejected.filter(pl.col("table_name") == table).sort("row_number")
    return list(own.select("row_number", "reason").iter_rows())


def counts(extracts, table):
    own = extracts.files.filter(pl.col("table_name") == table).sort("file_name")
    return list(own.select("rows_read", "rows_loaded", "rows_rejected", "rows_superseded").iter_rows())


def one(kind_of_table, day=dt.date(2024, 6, 30), **values):
    """The reason a single row of a table is rejected, None for a good one, and the row."""
    table = TABLES[kind_of_table]
    row = {name: values.get(name) for name in table.columns}
    judged = judge(table, pl.DataFrame([row], schema=dict.fromkeys(table.columns, pl.String)), day).to_dicts()[0]
    return judged["_reason"], judged


@pytest.mark.parametrize(("written", "utc"), [
    ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00"),
    ("2024-05-01T10:00:00", "2024-05-01T10:00:00"),
    ("2024-05-01 10:00:00.250", "2024-05-01T10:00:00.250000"),
    ("2024-05-01T10:00+02:00", "2024-05-01T08:00:00"),
    ("2024-05-01T20:00:00-0430", "2024-05-02T00:30:00"),
    ("2024-05-01", "2024-05-01T00:00:00"),
    ("2024/05/01T10:00:00", None),
    ("2024-02-30T10:00:00", None),
    ("2024-05-01T24:00:00", None),
    ("2024-05-01T10:00:00+99", None),
    ("20224-05-01T10:00:00", None),
    ("1989-12-31T23:59:59Z", None),
    ("2024-07-02T00:00:00Z", None),  # later than the delivery day + 1
])
def test_timestamps(written, utc):
    reason, row = one("customers", customer_id="c", created_at=written)
    assert (reason is None) == (utc is not None)
    if utc:
        assert row["created_at"].replace(tzinfo=None) == dt.datetime.fromisoformat(utc)


@pytest.mark.parametrize(("column", "value", "reason"), [
    ("quantity", "1.5", "quantity is no int"),
    ("quantity", "0x10", "quantity is no int"),
    ("quantity", "0", "quantity is not >0"),
    ("unit_price", "1,50", "unit_price is no money"),
    ("unit_price", "-1.00", "unit_price is not >=0"),
    ("unit_price", "1.23456", "unit_price is no money"),
    ("unit_price", None, "unit_price is missing"),
    ("tracking_valid", "TRUE", "tracking_valid is no bool"),
    ("cancelled_by", "Buyer", "cancelled_by is none of buyer, seller, platform"),
    ("seller_discount", "20.01", "seller_discount is more than quantity x unit_price"),
    ("seller_discount", "20.00", None),
    ("ship_by_at", "2031-01-01T00:00:00Z", None),  # a plan may lie in the future
    ("shipped_at", "2031-01-01T00:00:00Z", "shipped_at is later than the delivery day + 1"),
])
def test_values_of_a_line(column, value, reason):
    ids = dict.fromkeys(("order_line_id", "order_id", "seller_id", "product_id"), "x")
    good = {**ids, "quantity": "2", "unit_price": "10.00"}
    assert one("order_lines", **{**good, column: value})[0] == reason


def test_scores_have_the_range_of_their_survey():
    invitation = {"invitation_id": "i", "wave": "hot", "respondent": "buyer", "sent_at": "2024-05-01T10:00:00Z"}
    assert one("survey_invitations", **invitation, survey="nps", score="0")[0] is None
    assert one("survey_invitations", **invitation, survey="csat", score="0")[0] == "score is not 1..5"
    assert one("survey_invitations", **invitation, survey="nps", score="11")[0] == "score is not 0..10"


def test_money_is_exact():
    assert one("order_lines", unit_price="0.1")[1]["unit_price"] == 1000
    assert one("payments", amount="-0.05")[1]["amount"] == -500


def test_the_latest_delivery_of_a_good_row_wins(tmp_path):
    header = "customer_id,created_at,country"
    for day, rows in (("2024-05-02", ["c9,2024-05-01T00:00:00Z,new", "c8,2024-05-01T00:00:00Z,twice",
                                      "c8,2024-05-01T00:00:00Z,last"]),
                      ("2024-05-01", ["c9,2024-05-01T00:00:00Z,old"]),
                      ("2024-05-03", ["c9,never,bad", "c7,2024-05-05T00:00:00Z,early"])):
        folder = tmp_path / "customers" / f"dt={day}"
        folder.mkdir(parents=True)
        (folder / "part-0.csv.gz").write_bytes(gzip.compress("\n".join([header, *rows]).encode()))
    write(tmp_path, {**PARTIES, **NO_ORDERS})
    (tmp_path / "customers.csv").unlink()
    extracts = read_extracts(tmp_path)
    assert dict(extracts["customers"].sort("customer_id").select("customer_id", "country").iter_rows()) == {
        "c8": "last", "c9": "new"}
    assert counts(extracts, "customers") == [(1, 0, 0, 1), (3, 2, 0, 1), (2, 0, 2, 0)]
    assert reasons(extracts, "customers") == [
        (2, "created_at is no time"), (3, "created_at is later than the delivery day + 1")]


def test_orphan_lines_are_held_back(tmp_path):
    extracts = read(
        tmp_path, orders=f"{NO_ORDERS['orders']}\no1,c1,2024-05-01T00:00:00Z,,EUR",
        order_lines=f"{LINES}\nl1,o1,s1,p1,1,1.00,\nl2,o2,s1,p1,1,1.00,")
    assert extracts["order_lines"]["order_line_id"].to_list() == ["l1"]
    assert reasons(extracts, "order_lines") == [(3, "order_id names no order")]
    assert counts(extracts, "order_lines") == [(2, 1, 1, 0)]


def test_rows_that_cannot_be_split_are_rejected_alone(tmp_path):
    extracts = read(tmp_path, products='''product_id,category,product_name
        p1,"two ""quotes""",a

        p2,too,many,fields
        p3,few
        "p4"x,"name",a
        p5,5" screen,a''')
    assert extracts["products"]["category"].to_list() == ['two "quotes"', '5" screen']
    assert counts(extracts, "products") == [(5, 2, 3, 0)]
    assert reasons(extracts, "products") == [
        (4, "4 fields instead of 3"), (5, "2 fields instead of 3"), (6, "a quote where none may stand")]


def test_line_breaks_in_quotes_belong_to_their_row(tmp_path):
    extracts = read(tmp_path, products='product_id,category\np1,"one\ntwo"\np2,three')
    assert extracts["products"]["category"].to_list() == ["one\ntwo", "three"]


@pytest.mark.parametrize(("content", "lines", "reason"), [
    (b'product_id,category\np1,"open\np2,a\np3,a\n', 3, "a quote is never closed"),
    (b'product_id,category\np1,"open\np2,"a"\np3,a\n', 3, "a quote is never closed"),
    (b"product_id,category\r\np1,a\np2,b\r\n", 2, "mixes line ends"),
    ("product_id,category\np1,a\n".encode("utf-16"), 1, "UTF-16"),
])
def test_a_file_that_does_not_reconcile_is_refused_whole(tmp_path, content, lines, reason):
    write(tmp_path, {**PARTIES, **NO_ORDERS})
    (tmp_path / "products.csv").write_bytes(content)
    extracts = read_extracts(tmp_path)
    assert extracts["products"].is_empty()
    assert counts(extracts, "products") == [(lines, 0, lines, 0)]
    assert {why for _, why in reasons(extracts, "products")} == {extracts.rejected["reason"][0]}
    assert reason in extracts.rejected["reason"][0]


def test_other_encodings_cost_their_rows_only(tmp_path):
    write(tmp_path, {**PARTIES, **NO_ORDERS})
    good, bad = "\ufeffproduct_id,category\np1,café\n".encode(), "p2,café\n".encode("latin-1")
    (tmp_path / "products.csv").write_bytes(good + bad)
    extracts = read_extracts(tmp_path)
    assert extracts["products"]["category"].to_list() == ["café"]
    assert reasons(extracts, "products") == [(3, "not UTF-8")]


def test_parquet_is_judged_like_text(tmp_path):
    write(tmp_path, {**PARTIES, **NO_ORDERS})
    (tmp_path / "products.csv").unlink()
    moment = dt.datetime(2024, 5, 1, 12)
    pl.DataFrame({
        "product_id": ["p1", "", "p3"],
        "created_at": [moment, moment, dt.datetime(1980, 1, 1)],
        "other": [1, 2, 3],
    }).write_parquet(tmp_path / "products.parquet")
    pl.DataFrame({
        "offer_id": ["f1", "f2"], "seller_id": ["s1", "s1"], "product_id": ["p1", "p1"],
        "listed_at": pl.Series([moment, moment]).dt.replace_time_zone("Europe/Paris"),
        "price": pl.Series(["1.50", "2.50"]).cast(pl.Decimal(10, 2)), "stock_quantity": [1.0, 2.5],
    }).write_parquet(tmp_path / "offers.parquet")
    extracts = read_extracts(tmp_path)
    assert extracts["products"]["product_id"].to_list() == ["p1"]
    assert reasons(extracts, "products") == [(2, "product_id is missing"), (3, "created_at is not in 1990..2100")]
    assert reasons(extracts, "offers") == [(2, "stock_quantity is no int")]  # 1.0 is a whole number


def test_present_means_delivered_and_not_null_everywhere(tmp_path):
    has = Presence(read(tmp_path, refunds="refund_id,order_line_id,refunded_at,amount,currency").__getitem__).has
    assert has("customers", "customers.country")
    assert not has("refunds")  # a table without a row is absent
    assert not has("returns")
    assert not has("customers.region")


def test_what_stops_the_reading(tmp_path):
    write(tmp_path, {**PARTIES, **NO_ORDERS})
    (tmp_path / "sellers.csv").write_text("seller,name\ns1,x\n")
    with pytest.raises(ExtractError, match=r"sellers\.csv: no column seller_id; found seller, name"):
        read_extracts(tmp_path)
    (tmp_path / "sellers.csv").unlink()
    with pytest.raises(ExtractError, match="no table sellers"):
        read_extracts(tmp_path)
    (tmp_path / "sellers.csv").write_text("")
    with pytest.raises(ExtractError, match="no table sellers"):
        read_extracts(tmp_path)


def test_the_delivery_day_of_a_plain_file_is_its_modification_day(tmp_path):
    write(tmp_path, {**PARTIES, **NO_ORDERS})
    moment = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC).timestamp()
    (tmp_path / "customers.csv").write_text(
        "customer_id,created_at\nc1,2024-01-02T23:59:59Z\nc2,2024-01-03T00:00:00Z\n")
    os.utime(tmp_path / "customers.csv", (moment, moment))
    assert read_extracts(tmp_path)["customers"]["customer_id"].to_list() == ["c1"]
