"""Deliveries over time: repeated, late, split; and tables too large to copy."""

import duckdb

from python_checks.rows_read import differences
from tests.python.load.conftest import CUSTOMERS, LINES, ORDERS, SELLERS


def parquet(path, select: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({select}) to '{path}' (format parquet)")


def test_a_line_waits_for_its_order(fresh):
    fresh.write("order_lines/dt=2026-01-03/part.csv", LINES + "l2,o2,s1,p1,1,5.00\n" + "l3,o1,s1,p1,1,5.00\n")
    fresh.write("sellers.csv", SELLERS)
    run = fresh.load()
    assert "WARN 2 relationships_stg_order_lines_seller_id__seller_id__ref_stg_sellers_" in run.stdout
    assert fresh.audit()["order_lines/dt=2026-01-03/part.csv"] == (2, 1, 1, 0)
    assert [(column, reason) for _, column, reason, _ in fresh.rejected("order_lines/dt=2026-01-03/part.csv")] == [
        ("order_id", "not in stg_orders: o2")
    ]

    fresh.write("orders/dt=2026-01-04/part.csv", ORDERS + "o2,c1,2026-01-02T10:00:00Z,,EUR\n")
    fresh.load("stg_orders", "stg_order_lines")
    assert fresh.audit()["order_lines/dt=2026-01-03/part.csv"] == (2, 2, 0, 0)
    assert fresh.rejected("order_lines/dt=2026-01-03/part.csv") == []

    # The same again changes nothing.
    before = fresh.query("select * from staging.base_order_lines order by order_line_id")
    fresh.load()
    assert fresh.query("select * from staging.base_order_lines order by order_line_id") == before


def test_the_latest_delivery_of_a_line_wins_even_when_its_order_is_unknown(fresh):
    fresh.write("order_lines/dt=2026-01-05/part.csv", LINES + "l1,o9,s1,p1,1,5.00\n")
    fresh.load()
    assert fresh.query("select count(*) from staging.stg_order_lines") == [(0,)]
    assert fresh.audit()["order_lines.csv"] == (1, 0, 0, 1)
    assert fresh.audit()["order_lines/dt=2026-01-05/part.csv"] == (1, 0, 1, 0)


def test_only_new_files_are_read_and_withdrawn_ones_forgotten(fresh):
    late = fresh.write("orders/dt=2026-01-06/part.csv", ORDERS + "o1,c2,2026-01-02T10:00:00Z,,EUR\n")
    fresh.load()
    first = dict(fresh.query("select _file, _run from staging.base_orders"))
    assert fresh.query("select customer_id from staging.stg_orders") == [("c2",)]

    fresh.write("orders/dt=2026-01-04/part.csv", ORDERS + "o3,c1,2026-01-02T10:00:00Z,,EUR\n")
    fresh.load()
    second = dict(fresh.query("select _file, _run from staging.base_orders"))
    assert {file: run for file, run in second.items() if file in first} == first
    assert len(second) == 3

    late.unlink()
    fresh.load()
    orders = fresh.query("select order_id, customer_id from staging.stg_orders order by 1")
    assert orders == [("o1", "c1"), ("o3", "c1")]
    assert set(fresh.audit()) & {"orders/dt=2026-01-06/part.csv"} == set()


def test_rows_judged_otherwise_are_not_mixed(fresh):
    fresh.load()
    fresh.write("customers/more.csv", CUSTOMERS + "c5,2026-01-01T10:00:00Z,eve@example.org\n")
    fresh.land()
    run = fresh.dbt("run", "--select", "base_customers", PII_KEY="another")
    assert run.returncode != 0
    assert "The contract of customers (or PII_KEY) changed since its rows were loaded" in run.stdout
    assert "--full-refresh" in run.stdout
    run = fresh.dbt("run", "--full-refresh", "--select", "base_customers", PII_KEY="another")
    assert run.returncode == 0, run.stdout
    assert fresh.query("select count(*), count(distinct _contract) from staging.base_customers") == [(2, 1)]


def test_any_split_and_order_of_deliveries_gives_the_same_table(fresh):
    rows = [f"o{i % 700},c{i},2026-01-02T10:00:00Z,,EUR\n" for i in range(1400)]
    for day in range(200):
        delivery = ORDERS + "".join(rows[day * 7 : day * 7 + 7])
        fresh.write(f"orders/dt=2026-02-{day % 28 + 1:02}/part-{day:03}.csv", delivery)
    fresh.load()
    assert differences(fresh.folder, fresh.database) == []
    files = sorted((fresh.folder / "orders").rglob("*.csv"))
    latest = {}
    for path in [fresh.folder / "orders.csv", *files]:
        for line in path.read_text().splitlines()[1:]:
            order, customer, *_ = line.split(",")
            latest[order] = customer
    assert dict(fresh.query("select order_id, customer_id from staging.stg_orders")) == latest
    assert sum(loaded for name, (_, loaded, _, _) in fresh.audit().items() if name.startswith("orders")) == len(latest)


def test_large_parquet_is_read_where_it_lies(fresh):
    event = "'{key}' as event_id, timestamp '{at}' as occurred_at, '{name}' as event_name, 'v1' as visitor_id"
    good = event.format(key="e1", at="2026-01-01 10:00:00", name="page_view")
    late = event.format(key="e1", at="2026-01-01 11:00:00", name="search")
    wrong = event.format(key="e2", at="2026-01-01 10:00:00", name="teleport")
    again = event.format(key="e1", at="2026-01-01 12:00:00", name="jump")
    other = event.format(key="e3", at="2026-01-01 10:00:00", name="page_view")
    parquet(fresh.folder / "events/part-0.parquet", f"select {good} union all select {wrong}")
    fresh.load()
    assert fresh.query("select count(*) from staging.base_events where _fault is null") == [(0,)]
    assert fresh.query("select event_id from staging.stg_events") == [("e1",)]
    assert events_audit(fresh) == {"events/part-0.parquet": (2, 1, 1, 0)}

    parquet(fresh.folder / "events/part-1.parquet", f"select {late} union all select {again} union all select {other}")
    fresh.load()
    assert fresh.query("select event_id, event_name from staging.stg_events order by 1") == [
        ("e1", "search"), ("e3", "page_view")
    ]
    assert events_audit(fresh) == {"events/part-0.parquet": (2, 0, 1, 1), "events/part-1.parquet": (3, 2, 1, 0)}
    [(number, column, reason, _)] = fresh.rejected("events/part-1.parquet")
    assert (number, column) == (2, "event_name")
    assert reason.startswith("none of page_view, product_view")

    # A CSV file among them is held as rows; the others stay where they are.
    events = "event_id,occurred_at,event_name,visitor_id\n"
    fresh.write("events/part-2.csv", events + "e4,2026-01-01T10:00:00Z,purchase,v1\n")
    fresh.load()
    assert fresh.query("select event_id, event_name from staging.stg_events order by 1") == [
        ("e1", "search"), ("e3", "page_view"), ("e4", "purchase")
    ]
    assert events_audit(fresh)["events/part-2.csv"] == (1, 1, 0, 0)

    # A CSV row of a later file takes the place of a Parquet row, and gives it back when it is withdrawn.
    later = fresh.write("events/dt=2026-01-05/part.csv", events + "e3,2026-01-01T10:00:00Z,search,v9\n")
    fresh.load()
    named = "select event_id, event_name from staging.stg_events where event_id = 'e3'"
    assert fresh.query(named) == [("e3", "search")]
    later.unlink()
    fresh.load()
    assert fresh.query(named) == [("e3", "page_view")]


def events_audit(market) -> dict:
    return {name: counts for name, counts in market.audit().items() if name.startswith("events")}
