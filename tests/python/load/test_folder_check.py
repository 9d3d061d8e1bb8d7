"""What stops a build before it begins: one message that lists every problem of the folder."""

import gzip

import pytest

from tests.python.load.conftest import LINES, ORDERS


@pytest.fixture(scope="module")
def stopped(market):
    """Everything wrong at once with files as a whole."""
    market.write("customers.csv", '"customer_id,created_at\nc1,2026-01-01T10:00:00Z\n')
    market.write("sellers.csv", b"")
    (market.folder / "products.csv").rename(market.folder / "product.csv")
    market.write("orders.csv", "order_id,Customer-ID,ordered_at,currency\n")
    market.write("order_lines.csv", LINES.replace("\n", ",quantity\n"))
    market.write("payments/dt=2026-13-01/part.csv", "payment_id,order_id,attempted_at,status,amount,currency\n")
    market.write("reviews.csv", "review_id;order_id;rating;created_at\n")
    return market.dbt("run-operation", "check_extracts")


@pytest.mark.parametrize(
    "message",
    [
        "the required table products is missing: no products.csv, .csv.gz, .parquet or folder products of such files",
        "found instead: product\n",
        "customers.csv: the header line is not well-formed CSV",
        "sellers.csv: empty file, not even a header",
        "orders.csv: the required column customer_id is missing; found instead: Customer-ID\n",
        "order_lines.csv: the header has the column quantity more than once",
        "payments/dt=2026-13-01/part.csv: the folder dt=2026-13-01 is not a day (dt=YYYY-MM-DD)",
        "reviews.csv: the required column review_id is missing; found instead: review_id;order_id;rating;created_at\n",
    ],
)
def test_one_message_names_every_problem(stopped, message):
    assert stopped.returncode != 0
    assert message in stopped.stdout
    assert stopped.stdout.count("The extracts cannot be loaded") == 1


def test_the_build_stops_before_any_model(fresh):
    fresh.write("orders.csv", "order_id,ordered_at,currency\n")
    run = fresh.dbt("run", "--select", "stg_customers")
    assert run.returncode != 0
    assert "orders.csv: the required column customer_id is missing" in run.stdout
    assert "stg_customers" not in run.stdout


def test_an_empty_folder_and_an_unknown_connector_say_so(fresh):
    run = fresh.dbt("run-operation", "check_extracts", EXTRACTS_DIR=str(fresh.folder / "nowhere"))
    assert run.returncode != 0
    assert "the required table orders is missing" in run.stdout
    assert "found instead: nothing" in run.stdout
    run = fresh.dbt("run-operation", "check_extracts", CONNECTOR="shopify")
    assert run.returncode != 0
    assert "shopify" in run.stdout
    assert "native, olist" in run.stdout


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.csv.gz", b"not gzip at all"),
        ("orders.csv.gz", gzip.compress((ORDERS * 9999).encode())[:-99]),
        ("orders.parquet", b"PAR1 not parquet PAR1"),
    ],
    ids=["not gzip", "cut gzip", "not parquet"],
)
def test_a_broken_container_is_named(fresh, name, content):
    fresh.write(name, content)
    run = fresh.dbt("run", "--select", "stg_orders")
    assert run.returncode != 0
    assert str(fresh.folder / name) in run.stdout


def test_it_tells_what_is_there(fresh):
    fresh.write("returns.csv", "return_id,order_line_id,requested_at,quantity,mood\n")
    run = fresh.dbt("run-operation", "check_extracts")
    assert run.returncode == 0, run.stdout
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in run.stdout.splitlines() if len(line.split()) > 1}
    assert lines["orders"].startswith("1 file, ")
    assert lines["claims"] == "not delivered"
    assert "returns.csv has columns that are not in the contract, ignored: mood" in run.stdout
    assert "KPIs have the tables and columns they need" in run.stdout
    assert "without claims, no value: " in run.stdout
