"""Broken files and rows: each has its clear outcome, none is lost, and another reader counts the same rows."""

import gzip
import json
from decimal import Decimal

import duckdb
import pytest

from python_checks.rows_read import count_rows, delivered_files, differences
from tests.python.load.conftest import CUSTOMERS, LINES, ORDERS

RATES = "rate_date,currency,rate_to_eur\n"
FEATURES = "feature,released_at,description\n"
REVIEWS = "review_id,order_id,rating,created_at,comment,subject\n"


def order(key: str, at: str = "2026-01-02T10:00:00Z") -> str:
    return f"{key},c1,{at},,EUR\n"


@pytest.fixture(scope="module")
def loaded(market):
    """Every fault at once, each in a file of its own, loaded in one run."""
    write = market.write
    write("orders/bad_time.csv", ORDERS + order("t1", "2026/01/05") + order("t2", "20226-01-01T00:00:00Z")
          + order("t3", "2026-02-30T10:00:00Z") + order("t4", "2026-01-05T25:00:00Z") + order("t5", "yesterday")
          + order("t6", "2101-01-01T00:00:00Z") + order("t7", "1989-12-31T23:59:59Z"))
    write("orders/offset.csv", ORDERS + order("z1", "2026-01-05T10:00:00+02:00") + order("z2", "2026-01-05 10:00")
          + order("z3", "2026-01-05T23:30:00.5-0130") + order("z4", "2026-01-05"))
    write("orders/dt=2026-03-01/part-0.csv", ORDERS + order("d1", "2026-03-02T23:59:59Z")
          + order("d2", "2026-03-03T00:00:00Z") + "o1,c1,2026-01-02T10:00:00Z,,USD\n")
    write("orders/dt=2026-03-02/part-0.csv", ORDERS + "o1,c1,2026-01-02T10:00:00Z,,CHF\n"
          + "o1,,2026-01-02T10:00:00Z,,GBP\n")
    write("orders/latin1.csv", ORDERS.encode() + order("u1").encode() + b"u2,caf\xe9,2026-01-02T10:00:00Z,,EUR\n"
          + order("u3").encode() + b"\xff\xfe\n" + "u4,né,2026-01-02T10:00:00Z,,EUR\n".encode())
    write("orders/ragged.csv", ORDERS + order("r1") + "r2,c1,2026-01-02T10:00:00Z\n"
          + order("r3").replace("\n", ",more\n"))
    write("orders/stray_quote.csv", ORDERS + 'q1,c"1,2026-01-02T10:00:00Z,,EUR\n'
          + 'q2,"c1"x,2026-01-02T10:00:00Z,,EUR\n'
          + order("q3"))
    write("orders/header_only.csv", ORDERS)
    write("orders/bom.csv", b"\xef\xbb\xbf" + (ORDERS + order("b1")).encode())
    write("orders/crlf.csv", (ORDERS + order("w1") + order("w2")).replace("\n", "\r\n"))
    write("orders/no_last_line_end.csv", (ORDERS + order("n1") + order("n2")).rstrip("\n"))
    write("orders/blank_lines.csv", ORDERS + "\n" + order("k1") + "\n\n" + order("k2") + "k3\n\n")
    write("orders/mixed.csv", ORDERS + order("m1").replace("\n", "\r\n") + order("m2") + order("m3"))
    write("orders/utf16.csv", (ORDERS + order("x1") + order("x2")).encode("utf-16"))
    write("orders/utf16_be.csv", (ORDERS + order("x3")).encode("utf-16-be"))
    write("orders/quotes.csv", '"order_id","customer_id",ordered_at,paid_at,currency\n'
          + '"a,1","c""1",2026-01-02T10:00:00Z,,EUR\n' + '"a2",c1,"2026-01-02T10:00:00Z",,"EUR"\n')
    write("orders/packed.csv.gz", gzip.compress((ORDERS + order("g1") + order("g2", "never")).encode()))
    write("orders/other_order.csv", "currency,colour,ordered_at,paid_at,order_id,customer_id\n"
          + "EUR,red,2026-01-02T10:00:00Z,,e1,c1\n")
    write("orders/open_quote.csv", ORDERS + "".join(order(f"h{i}") for i in range(200_000))
          + '"lost,c1,2026-01-02T10:00:00Z,,EUR\n' + "".join(order(f"i{i}") for i in range(199_998)) + '"i","c1",,,\n')

    write("customers/pii.csv", CUSTOMERS + "v1,once,eve@example.org\n"
          + "v2,2026-01-01T10:00:00Z,bob@example.org,more\n")
    write("order_lines/faults.csv", LINES + "f1,o1,s1,p1,1.5,9.99\n" + "f2,o1,s1,p1,-1,9.99\n" + "f3,o1,s1,p1,0,9.99\n"
          + "f4,o1,s1,p1,0x10,9.99\n" + "f5,o1,s1,p1,1,9.99999\n" + "f6,o1,s1,p1,1,-0.01\n" + "f7,o1,s1,p1,1,nan\n"
          + "f8,nowhere,s1,p1,1,9.99\n" + "f9,o1,s1,p1,1,1e3\n" + "f10,o1,s1,p1,1,7\n" + ",o1,s1,p1,1,7\n")
    write("order_lines/discount.csv", LINES.replace("\n", ",seller_discount\n") + "j1,o1,s1,p1,2,5.00,10.00\n"
          + "j2,o1,s1,p1,2,5.00,10.01\n" + "j3,o1,s1,p1,2,5.00,\n")

    write("reviews/breaks.csv", REVIEWS + 'y1,o1,5,2026-01-03T10:00:00Z,"two\nlines, a ""quote""",seller\n'
          + 'y2,o1,6,2026-01-03T10:00:00Z,"three\n\nlines",seller\n' + "y3,o1,4,2026-01-03T10:00:00Z,plain,shop\n"
          + 'y4,o1,4,"2026-01-03T10:00:00Z","cut\nshort"\n' + 'y5,o1,4,2026-01-03T10:00:00Z,"end\n",seller')
    write("reviews/windows.csv", (REVIEWS + "w1,o1,5,2026-01-03T10:00:00Z,A,seller\n").replace("\n", "\r\n")
          + 'w2,o1,5,2026-01-03T10:00:00Z,"one\ntwo\r\nthree",seller\r\n')
    write("reviews/unix.csv", REVIEWS + 'v1,o1,5,2026-01-03T10:00:00Z,"one\r\ntwo\n\nthree",seller\n')
    write("reviews/lone.csv", REVIEWS + 'v2,o1,5,2026-01-03T10:00:00Z,"one\rtwo\nthree",seller\n')
    write("reviews/three_kinds.csv", REVIEWS + 'v3,o1,5,2026-01-03T10:00:00Z,"one\r\ntwo\rthree",seller\n')
    write("reviews/mixed_quoted.csv", REVIEWS + 'm1,o1,5,2026-01-03T10:00:00Z,"one\ntwo",seller\n'
          + "m2,o1,5,2026-01-03T10:00:00Z,x,seller\r\n" + "m3,o1,5,2026-01-03T10:00:00Z,x,seller\n")
    write("reviews/swallowed.csv", REVIEWS + 's1,o1,5,2026-01-03T10:00:00Z,"open,seller\n'
          + "s2,o1,5,2026-01-03T10:00:00Z,,seller\n" + "s3,o1,5,2026-01-03T10:00:00Z,,seller\n"
          + 's4,o1,5,2026-01-03T10:00:00Z,closed"\n')
    write("reviews/unreadable.csv", REVIEWS.encode() + b'n1,o1,5,2026-01-03T10:00:00Z,"un\xe9\nb",seller\n'
          + b"n2,o1,5,2026-01-03T10:00:00Z,caf\xe9,seller\n" + b"n3,o1,5,2026-01-03T10:00:00Z,fine,seller\n")

    write("exchange_rates.csv", RATES + "2026-01-01,USD,0.00003623188405797101\n2026-01-01,GBP,0\n2026-1-1,CHF,1\n"
          + "2026-01-01,eur,1\n")
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"""
            copy (select * from (values
                ('f1', timestamp '2026-01-01 10:00:00', 'good'), ('f2', null, 'no time'),
                ('f1', timestamp '2026-01-02 10:00:00', 'again')) as t (feature, released_at, description)
            ) to '{write("features/a.parquet", b"")}' (format parquet)
        """)
        connection.execute(f"""
            copy (
                select 'f3' as feature, '2026-01-01T12:00:00+02:00' as released_at, 7 as description, [1] as extra
            ) to '{write("features/b.parquet", b"")}' (format parquet)
        """)
        connection.execute(f"""
            copy (select 'f4' as feature, timestamptz '2026-01-01 10:00:00+00' as released_at)
            to '{write("features/c.parquet", b"")}' (format parquet)
        """)
    market.load()
    return market


def reasons(market, file_name):
    return [(number, column, reason) for number, column, reason, _ in market.rejected(file_name)]


def test_every_row_is_accounted_for(loaded):
    assert differences(loaded.folder, loaded.database) == []
    for read, kept, rejected, superseded in loaded.audit().values():
        assert read == kept + rejected + superseded


def test_another_reader_counts_the_same_rows(loaded):
    audit = loaded.audit()
    files = delivered_files(loaded.folder, {"orders", "reviews", "order_lines", "customers", "features"})
    assert {name: count_rows(path) for name, path in files.items()} == {name: audit[name][0] for name in files}


def test_written_forms_of_times(loaded):
    assert reasons(loaded, "orders/bad_time.csv") == [
        (2, "ordered_at", "not an ISO 8601 time"),
        (3, "ordered_at", "not an ISO 8601 time"),
        (4, "ordered_at", "not an ISO 8601 time"),
        (5, "ordered_at", "not an ISO 8601 time"),
        (6, "ordered_at", "not an ISO 8601 time"),
        (7, "ordered_at", "outside the years 1990 to 2100"),
        (8, "ordered_at", "outside the years 1990 to 2100"),
    ]


def test_offsets_become_utc(loaded):
    rows = loaded.query(
        "select order_id, cast(ordered_at as varchar) from staging.stg_orders where order_id like 'z%' order by 1"
    )
    assert rows == [
        ("z1", "2026-01-05 08:00:00"),
        ("z2", "2026-01-05 10:00:00"),
        ("z3", "2026-01-06 01:00:00.5"),
        ("z4", "2026-01-05 00:00:00"),
    ]


def test_what_cannot_have_happened_yet_is_rejected(loaded):
    assert reasons(loaded, "orders/dt=2026-03-01/part-0.csv") == [
        (3, "ordered_at", "later than the day after its delivery")
    ]


def test_the_latest_good_delivery_wins(loaded):
    assert loaded.query("select currency from staging.stg_orders where order_id = 'o1'") == [("CHF",)]
    assert loaded.audit()["orders.csv"] == (1, 0, 0, 1)
    assert loaded.audit()["orders/dt=2026-03-01/part-0.csv"] == (3, 1, 1, 1)
    assert reasons(loaded, "orders/dt=2026-03-02/part-0.csv") == [(3, "customer_id", "missing")]


def test_lines_that_are_not_utf8(loaded):
    assert reasons(loaded, "orders/latin1.csv") == [(3, None, "not UTF-8"), (5, None, "not UTF-8")]
    rows = loaded.query("select order_id, customer_id from staging.stg_orders where order_id like 'u%' order by 1")
    assert rows == [("u1", "c1"), ("u3", "c1"), ("u4", "né")]


def test_ragged_rows(loaded):
    assert [(number, reason, content) for number, _, reason, content in loaded.rejected("orders/ragged.csv")] == [
        (3, "3 fields where the header has 5", "r2,c1,2026-01-02T10:00:00Z"),
        (4, "6 fields where the header has 5", "r3,c1,2026-01-02T10:00:00Z,,EUR,more"),
    ]


def test_a_stray_quote_rejects_its_row_only_where_it_spoils_a_quoted_field(loaded):
    assert reasons(loaded, "orders/stray_quote.csv") == [(3, None, "a quote stands where CSV allows none")]
    assert loaded.query("select customer_id from staging.stg_orders where order_id = 'q1'") == [('c"1',)]


@pytest.mark.parametrize(
    ("file_name", "counts"),
    [
        ("orders/header_only.csv", (0, 0, 0, 0)),
        ("orders/bom.csv", (1, 1, 0, 0)),
        ("orders/crlf.csv", (2, 2, 0, 0)),
        ("orders/no_last_line_end.csv", (2, 2, 0, 0)),
        ("orders/blank_lines.csv", (3, 2, 1, 0)),
        ("orders/quotes.csv", (2, 2, 0, 0)),
        ("orders/packed.csv.gz", (2, 1, 1, 0)),
        ("orders/other_order.csv", (1, 1, 0, 0)),
        ("reviews/windows.csv", (2, 2, 0, 0)),
        ("customers.csv", (1, 1, 0, 0)),
    ],
)
def test_harmless_forms_load(loaded, file_name, counts):
    assert loaded.audit()[file_name] == counts


def test_lines_end_in_one_way(loaded):
    reason = "mixed line ends: CR LF in some places, LF or CR in others"
    assert reasons(loaded, "orders/mixed.csv") == [(2, None, reason), (3, None, reason), (4, None, reason)]
    assert {found for _, _, found in reasons(loaded, "reviews/mixed_quoted.csv")} == {reason}
    assert loaded.query("select count(*) from staging.stg_orders where order_id like 'm%'") == [(0,)]


def test_utf16_is_refused_by_name(loaded):
    for name, rows in [("orders/utf16.csv", 2), ("orders/utf16_be.csv", 1)]:
        assert loaded.audit()[name] == (rows, 0, rows, 0)
        assert {reason for _, _, reason in reasons(loaded, name)} == {"UTF-16 or binary, not UTF-8"}


def test_a_quote_never_closed_refuses_the_file_line_by_line(loaded):
    assert loaded.audit()["orders/open_quote.csv"] == (400_000, 0, 400_000, 0)
    rows = reasons(loaded, "orders/open_quote.csv")
    assert [number for number, _, _ in rows] == list(range(2, 400_002))
    assert {reason for _, _, reason in rows} == {"a quote opened in the record on line 200002 is never closed"}


def test_a_quoted_field_that_swallows_records_refuses_the_file(loaded):
    assert loaded.audit()["reviews/swallowed.csv"] == (4, 0, 4, 0)


def test_quotes_are_taken_off(loaded):
    assert loaded.query("select customer_id from staging.stg_orders where order_id = 'a,1'") == [('c"1',)]


def test_line_breaks_inside_quotes(loaded):
    comments = dict(loaded.query("select review_id, comment from staging.stg_reviews"))
    assert comments["y1"] == 'two\nlines, a "quote"'
    assert comments["y5"] == "end\n"
    assert comments["w2"] == "one\ntwo\r\nthree"
    assert comments["v1"] == "one\r\ntwo\n\nthree"
    assert comments["v2"] == "one\rtwo\nthree"
    assert comments["v3"] == "one\r\ntwo\rthree"
    assert reasons(loaded, "reviews/breaks.csv") == [
        (4, "rating", "more than 5"),
        (7, "subject", "none of seller, product"),
        (8, None, "5 fields where the header has 6"),
    ]


def test_unreadable_lines_within_records(loaded):
    assert reasons(loaded, "reviews/unreadable.csv") == [(2, None, "not UTF-8"), (4, None, "not UTF-8")]
    assert loaded.audit()["reviews/unreadable.csv"] == (3, 1, 2, 0)


def test_numbers(loaded):
    assert reasons(loaded, "order_lines/faults.csv") == [
        (2, "quantity", "not a whole number"),
        (3, "quantity", "not above 0"),
        (4, "quantity", "not above 0"),
        (5, "quantity", "not a whole number"),
        (6, "unit_price", "not a number with at most 4 decimals"),
        (7, "unit_price", "less than 0"),
        (8, "unit_price", "not a number with at most 4 decimals"),
        (9, "order_id", "not in stg_orders: nowhere"),
        (10, "unit_price", "not a number with at most 4 decimals"),
        (12, "order_line_id", "missing"),
    ]
    assert reasons(loaded, "order_lines/discount.csv") == [(3, "seller_discount", "more than quantity x unit_price")]
    assert reasons(loaded, "exchange_rates.csv") == [
        (3, "rate_to_eur", "not above 0"), (4, "rate_date", "not a date (YYYY-MM-DD)"),
        (5, "currency", "not an ISO 4217 code"),
    ]
    assert loaded.query("select rate_to_eur from staging.stg_exchange_rates") == [(Decimal("0.000036231884057971"),)]


def test_rejected_content_is_the_delivered_row(loaded):
    content = loaded.rejected("order_lines/faults.csv")[0][3]
    names = LINES.strip().split(",")
    assert json.loads(content) == dict(zip(names, ["f1", "o1", "s1", "p1", "1.5", "9.99"], strict=True))


def test_personal_values_stay_out(loaded):
    broken, masked = sorted(loaded.rejected("customers/pii.csv"), key=lambda row: row[1] or "")
    assert json.loads(masked[3]) == {"customer_id": "v1", "created_at": "once", "email": "***"}
    assert broken[0] == 3
    assert json.loads(broken[3])["length"] == len("v2,2026-01-01T10:00:00Z,bob@example.org,more")
    everything = loaded.database.read_bytes()
    for address in (b"ann@example.org", b"eve@example.org", b"bob@example.org"):
        assert address not in everything


def test_parquet(loaded):
    assert loaded.query("""
        select feature, cast(released_at as varchar), description from staging.stg_features order by feature
    """) == [
        ("f1", "2026-01-02 10:00:00", "again"),
        ("f3", "2026-01-01 10:00:00", "7"),
        ("f4", "2026-01-01 10:00:00", None),
    ]
    assert loaded.audit()["features/a.parquet"] == (3, 1, 1, 1)
    assert reasons(loaded, "features/a.parquet") == [(2, "released_at", "missing")]


def test_unknown_columns_are_named(loaded):
    unknown = dict(loaded.query("select file_name, unknown_columns from marts.load_audit where unknown_columns <> ''"))
    assert unknown == {"orders/other_order.csv": "colour", "features/b.parquet": "extra"}
