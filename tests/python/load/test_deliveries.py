"""Deliveries over time: repeated, late, split; and tables too large to copy."""

import duckdb

from python_checks.rows_read import differences
from tests.python.load.conftest import LINES, ORDERS, SELLERS


def parquet(path, select: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({select}) to '{path}' (format parquet)")


def test_a_line_waits_for_its_order(fresh):
    fresh.write("order_lines/dt=2026-01-03/part.csv", LINES + "l2,o2,s1,p1,1,5.00\n" + "l3,o1,s1,p1,1,5.00\n")
    fresh.write("sellers.csv", SELLERS)
    run = fresh.load("stg_sellers", "stg_orders", "stg_order_lines")
    assert "stg_order_lines.seller_id of 2 rows is not in stg_sellers" in run.stdout
    assert fresh.audit()["order_lines/dt=2026-01-03/part.csv"] == (2, 1, 1, 0)
    assert [(column, reason) for _, column, reason, _ in fresh.rejected("order_lines/dt=2026-01-03/part.csv")] == [
        ("order_id", "not in stg_orders: o2")
    ]

    fresh.write("orders/dt=2026-01-04/part.csv", ORDERS + "o2,c1,2026-01-02T10:00:00Z,EUR\n")
    fresh.load("stg_orders", "stg_order_lines")
    assert fresh.audit()["order_lines/dt=2026-01-03/part.csv"] == (2, 2, 0, 0)
    assert fresh.rejected("order_lines/dt=2026-01-03/part.csv") == []

    # The same again changes nothing; one table alone leaves what the log says of the others.
    before = fresh.query("select * from staging.stg_order_lines order by 1")
    fresh.load("stg_order_lines")
    assert fresh.query("select * from staging.stg_order_lines order by 1") == before
    runs = dict(fresh.query("select table_name, count(distinct run_id) from marts.load_audit group by all"))
    assert runs == {"sellers": 1, "orders": 1, "order_lines": 1}
    assert fresh.query("select count(distinct run_id) from marts.load_audit") == [(3,)]


def test_any_split_and_order_of_deliveries_gives_the_same_table(fresh):
    rows = [f"o{i % 700},c{i},2026-01-02T10:00:00Z,EUR\n" for i in range(1400)]
    for day in range(200):
        delivery = ORDERS + "".join(rows[day * 7 : day * 7 + 7])
        fresh.write(f"orders/dt=2026-02-{day % 28 + 1:02}/part-{day:03}.csv", delivery)
    fresh.load("stg_orders")
    others = ("customers", "sellers", "products", "order_lines")
    assert set(differences(fresh.folder, fresh.database)) == {
        f"{name}.csv: delivered, but not in load_audit" for name in others
    }
    files = sorted((fresh.folder / "orders").rglob("*.csv"))
    latest = {}
    for path in [fresh.folder / "orders.csv", *files]:
        for line in path.read_text().splitlines()[1:]:
            order, customer, *_ = line.split(",")
            latest[order] = customer
    assert dict(fresh.query("select order_id, customer_id from staging.stg_orders")) == latest
    assert sum(loaded for _, loaded, _, _ in fresh.audit().values()) == len(latest)


def test_large_parquet_is_read_where_it_lies(fresh):
    event = "'{key}' as event_id, timestamp '{at}' as occurred_at, '{name}' as event_name, 'v1' as visitor_id"
    good = event.format(key="e1", at="2026-01-01 10:00:00", name="page_view")
    late = event.format(key="e1", at="2026-01-01 11:00:00", name="search")
    wrong = event.format(key="e2", at="2026-01-01 10:00:00", name="teleport")
    again = event.format(key="e1", at="2026-01-01 12:00:00", name="jump")
    other = event.format(key="e3", at="2026-01-01 10:00:00", name="page_view")
    parquet(fresh.folder / "events/part-0.parquet", f"select {good} union all select {wrong}")
    fresh.load("stg_events")
    kind = "select table_type from information_schema.tables where table_name = 'stg_events'"
    assert fresh.query(kind) == [("VIEW",)]
    assert fresh.query("select event_id from staging.stg_events") == [("e1",)]
    assert fresh.audit()["events/part-0.parquet"] == (2, 1, 1, 0)

    parquet(fresh.folder / "events/part-1.parquet", f"select {late} union all select {again} union all select {other}")
    fresh.load("stg_events")
    assert fresh.query("select event_id, event_name from staging.stg_events order by 1") == [
        ("e1", "search"), ("e3", "page_view")
    ]
    assert fresh.audit() == {"events/part-0.parquet": (2, 0, 1, 1), "events/part-1.parquet": (3, 2, 1, 0)}
    [(number, column, reason, _)] = fresh.rejected("events/part-1.parquet")
    assert (number, column) == (2, "event_name")
    assert reason.startswith("none of page_view, product_view")

    # One CSV file among them makes it a table, with the same rows.
    events = "event_id,occurred_at,event_name,visitor_id\n"
    fresh.write("events/part-2.csv", events + "e4,2026-01-01T10:00:00Z,purchase,v1\n")
    fresh.load("stg_events")
    assert fresh.query(kind) == [("BASE TABLE",)]
    assert fresh.query("select event_id, event_name from staging.stg_events order by 1") == [
        ("e1", "search"), ("e3", "page_view"), ("e4", "purchase")
    ]
