"""The comparison: a published file passes when it holds the recomputed rows, and fails on any other number."""

import datetime as dt
import itertools

import duckdb
import pytest
from recompute_market import PARTIES, orders, write

from python_checks.recompute.__main__ import main
from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.compare import Published, compare
from python_checks.recompute.compute import recompute
from python_checks.recompute.extracts import read_extracts
from python_checks.recompute.world import World

LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price,cancelled_at"
COUNTED = ["orders", "gmv", "aov", "median_order_value", "transactions", "cancellation_rate"]
COLUMNS = """
    kpi_id varchar, period_grain varchar, period_start date, dimension varchar, dimension_value varchar,
    numerator double, denominator double, value double, sample_size bigint, is_mature boolean, is_partial boolean,
    is_covered boolean"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two orders on one day, 10 and 30 in value, no payments."""
    return write(tmp_path_factory.mktemp("extracts"), {
        **PARTIES,
        # the third was never paid: its line only tells that cancellations are delivered
        "orders": orders("o1 c1 2024-05-01", "o2 c3 2024-05-01") + "\no3,c1,2024-05-01T12:00:00Z,,EUR",
        "order_lines": f"{LINES}\nl1,o1,s1,p1,1,10.00,\nl2,o2,s1,p3,1,30.00,\nl3,o3,s1,p3,1,1.00,2024-05-01T13:00:00Z",
    })


@pytest.fixture(scope="module")
def recomputed(folder):
    """The rows of the families these KPIs belong to."""
    world = World(read_extracts(folder), timezone="Europe/Paris", currency="EUR", rules=[])
    assert world.calendar.as_of == dt.date(2024, 5, 1)
    return dict(recompute(world, [kpi for kpi, its in KPIS.items() if its.family in ("sales", "seller_quality")]))


def verdicts_on(recomputed, database):
    published = Published(database)
    families = {"sales": COUNTED[:-1], "seller_quality": COUNTED[-1:]}
    found = [compare(recomputed[family], published.rows(own), own) for family, own in families.items()]
    return {verdict.kpi_id: verdict for verdict in itertools.chain(*found)}


@pytest.fixture
def published(tmp_path):
    """The file that should be published, worked out by hand."""
    database = tmp_path / "published.duckdb"
    starts = {
        "day": "2024-05-01", "week": "2024-04-29", "month": "2024-05-01", "quarter": "2024-04-01", "year": "2024-01-01"}
    segments = [("all", "all", 2, 40, 20), ("country", "FR", 1, 10, 10), ("country", "DE", 1, 30, 30),
                ("region", "unknown", 2, 40, 20), ("category", "books", 1, 10, 10), ("category", "toys", 1, 30, 30),
                ("seller", "s1", 2, 40, 20), ("sales_channel", "unknown", 2, 40, 20),
                ("customer_type", "unknown", 2, 40, 20), ("channel", "unknown", 2, 40, 20)]
    rows = []
    for grain, start in starts.items():
        partial = grain != "day"
        for dimension, value, count, gmv, mean in segments:
            if dimension == "seller" and grain in ("day", "week"):
                continue
            key = (grain, start, dimension, value)
            rows += [("orders", *key, count, None, count, None, True, partial, True),
                     ("gmv", *key, gmv, None, gmv, None, True, partial, True),
                     ("aov", *key, gmv, count, mean, count, True, partial, True)]
            if dimension not in ("category", "seller", "channel"):
                rows.append(("median_order_value", *key, None, None, mean, count, True, partial, True))
            if dimension not in ("sales_channel", "customer_type", "channel"):
                rows.append(("cancellation_rate", *key, 0, count, 0, count, False, partial, True))
            if dimension == "all":
                rows.append(("transactions", *key, None, None, None, None, True, partial, False))
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.dim_kpi (kpi_id varchar)")
        connection.execute(f"create table marts.kpi_values ({COLUMNS})")
        connection.executemany("insert into marts.dim_kpi values (?)", [(kpi_id,) for kpi_id in [*COUNTED, "made_up"]])
        connection.executemany("insert into marts.kpi_values values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return database


def change(database, statement):
    with duckdb.connect(str(database)) as connection:
        connection.execute(statement)


def test_the_right_numbers_pass(published, folder, capsys):
    asked = ["--extracts", str(folder), "--published", str(published), "--kpis", ",".join(COUNTED)]
    assert main(asked) == 0
    out = capsys.readouterr().out
    assert out.endswith("6 passed, 0 failed\n")
    assert "119 others were not asked for" in out  # 118 are not published, one is unknown


def test_a_wrong_number_fails(published, folder, capsys):
    change(published, "update marts.kpi_values set value = 21 where kpi_id = 'aov' and dimension = 'all'")
    assert main(["--extracts", str(folder), "--published", str(published), "--kpis", "orders,aov"]) == 1
    out = capsys.readouterr().out
    assert "value 20.0" in out
    assert "value 21.0" in out
    assert out.endswith("1 passed, 1 failed\n")


@pytest.mark.parametrize(("statement", "kpi_id", "problem"), [
    ("update marts.kpi_values set value = value + 0.0000001 where kpi_id = 'aov' and dimension_value = 'DE'",
     "aov", "value differs"),
    ("update marts.kpi_values set numerator = 'NaN' where kpi_id = 'gmv' and dimension = 'all'",
     "gmv", "numerator differs"),
    ("update marts.kpi_values set numerator = null where kpi_id = 'gmv' and dimension = 'all'",
     "gmv", "numerator differs"),
    ("update marts.kpi_values set sample_size = null where kpi_id = 'median_order_value'",
     "median_order_value", "sample_size differs"),
    ("update marts.kpi_values set is_mature = true where kpi_id = 'cancellation_rate'",
     "cancellation_rate", "is_mature differs"),
    ("update marts.kpi_values set is_partial = true where kpi_id = 'orders'", "orders", "is_partial differs"),
    ("update marts.kpi_values set value = 0 where kpi_id = 'transactions'", "transactions", "value differs"),
    ("update marts.kpi_values set is_covered = false where kpi_id = 'orders'", "orders", "is_covered differs"),
    ("update marts.kpi_values set is_covered = null where kpi_id = 'transactions'",
     "transactions", "is_covered differs"),
    ("delete from marts.kpi_values where kpi_id = 'orders' and dimension = 'category'", "orders", "not published"),
    ("insert into marts.kpi_values select * from marts.kpi_values where kpi_id = 'gmv' limit 1",
     "gmv", "published more than once"),
    ("insert into marts.kpi_values select * replace ('garden' as dimension_value, 0 as numerator, 0 as value) "
     "from marts.kpi_values where kpi_id = 'gmv' and dimension = 'category' limit 1", "gmv", "segment is never seen"),
    ("insert into marts.kpi_values select * replace (date '2024-05-02' as period_start) from marts.kpi_values "
     "where kpi_id = 'orders' and dimension = 'all' and period_grain = 'day'", "orders", "segment is never seen"),
    ("insert into marts.kpi_values select * replace ('transactions' as kpi_id, 0 as numerator, 0 as value) "
     "from marts.kpi_values where kpi_id = 'orders' and dimension = 'country' limit 1",
     "transactions", "nothing happened"),
])
def test_any_other_number_is_found(published, recomputed, statement, kpi_id, problem):
    change(published, statement)
    verdicts = verdicts_on(recomputed, published)
    assert [kpi for kpi, verdict in verdicts.items() if not verdict.passed] == [kpi_id]
    assert problem in verdicts[kpi_id].examples[0]


def test_an_empty_segment_seen_elsewhere_may_be_published(published, recomputed):
    change(published, """
        insert into marts.kpi_values select * replace ('transactions' as kpi_id, null as numerator, null as value)
        from marts.kpi_values where kpi_id = 'orders' and dimension = 'country'""")
    assert all(verdict.passed for verdict in verdicts_on(recomputed, published).values())


def test_a_single_kpi_needs_no_other(published, folder, capsys):
    change(published, "delete from marts.kpi_values where kpi_id <> 'gmv'")
    change(published, "insert into marts.kpi_values select * replace ('garden' as dimension_value, 0 as numerator, "
                      "0 as value) from marts.kpi_values where dimension = 'category' limit 1")  # of a refund, say
    assert main(["--extracts", str(folder), "--published", str(published), "--kpis", "gmv"]) == 0
    assert capsys.readouterr().out.endswith("1 passed, 0 failed\n")


def test_what_would_take_too_much_memory_is_left_out_and_says_so(published, folder, capsys, monkeypatch):
    monkeypatch.setenv("MEMORY_LIMIT", "256MiB")
    asked = ["--extracts", str(folder), "--published", str(published), "--kpis", ",".join(COUNTED)]
    assert main(asked) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("not recomputed: it would take about 0.4 GiB of memory and the limit is 0.2 GiB")
    assert "`make recompute`" in last
    assert main([*asked, "--force"]) == 0
    assert capsys.readouterr().out.endswith("6 passed, 0 failed\n")


def test_what_cannot_be_compared(published, capsys, tmp_path):
    assert main(["--published", str(tmp_path / "none.duckdb")]) == 2
    assert "no such file" in capsys.readouterr().err
    assert main(["--published", str(published), "--kpis", "churn"]) == 2
    assert "not to be compared: churn" in capsys.readouterr().err
    assert main(["--published", str(published), "--extracts", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err
