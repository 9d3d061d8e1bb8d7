"""The public Olist files, when they are there: every row accounted for, totals as calculated elsewhere."""

import os
from pathlib import Path

import pytest

from ops.project import ROOT
from python_checks.rows_read import differences

OLIST = Path(os.environ.get("OLIST_DIR") or ROOT.parent / "shared/data/olist")
# As published with the data set.
ROWS = {
    "olist_orders_dataset.csv": 99_441,
    "olist_order_items_dataset.csv": 112_650,
    "olist_order_payments_dataset.csv": 103_886,
    "olist_order_reviews_dataset.csv": 99_224,
    "olist_customers_dataset.csv": 99_441,
    "olist_products_dataset.csv": 32_951,
    "olist_sellers_dataset.csv": 3_095,
    "product_category_name_translation.csv": 71,
    "olist_marketing_qualified_leads_dataset.csv": 8_000,
    "olist_closed_deals_dataset.csv": 842,
}


@pytest.fixture(scope="module")
def olist(market):
    if not (OLIST / "olist_orders_dataset.csv").is_file():
        pytest.skip("skipped: no data")
    market.folder, market.connector = OLIST, "olist"
    market.load()
    return market


def test_every_file_is_read_whole(olist):
    assert differences(olist.folder, olist.database) == []
    audit = olist.audit()
    assert {name: audit[name][0] for name in ROWS} == ROWS
    # Nine reviews of these files have no date.
    assert {name: counts[2] for name, counts in audit.items() if counts[2]} == {"olist_order_reviews_dataset.csv": 9}


def test_totals(olist):
    paid = "staging.stg_orders where paid_at is not null"
    assert olist.query(f"select count(*) from {paid}") == [(99_281,)]
    lines = f"staging.stg_order_lines where order_id in (select order_id from {paid})"
    assert olist.query(f"select cast(sum(quantity * unit_price) as varchar) from {lines}") == [("13589973.2700",)]
    assert olist.query(f"select count(distinct order_id) from {lines} and cancelled_at is null") == [(98_185,)]
    assert olist.query("select count(*), count(distinct customer_id) from staging.stg_customers") == [(96_096, 96_096)]


def test_local_times_are_utc(olist):
    assert olist.query("""
        select cast(ordered_at as varchar) from staging.stg_orders where order_id = 'e481f51cbdc54678b7cc49136f2d6af7'
    """) == [("2017-10-02 13:56:33",)]


def test_tables_olist_lacks_are_empty(olist):
    assert olist.query("select count(*) from staging.stg_refunds") == [(0,)]
    assert olist.query("select count(*) from marts.load_audit where table_name = 'refunds'") == [(0,)]
