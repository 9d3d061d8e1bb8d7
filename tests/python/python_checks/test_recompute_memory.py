"""The memory a recomputation will take, and that one KPI computes what all do."""

import gzip

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from recompute_market import PARTIES, orders, write

from python_checks.recompute import memory
from python_checks.recompute.catalogue import KPIS, Kpi
from python_checks.recompute.compute import recompute
from python_checks.recompute.extracts import read_extracts
from python_checks.recompute.web import channel_rules
from python_checks.recompute.world import World

MARKET = {
    **PARTIES,
    "orders": orders("o1 c1 2024-05-01", "o2 c3 2024-05-02"),
    "order_lines": """
        order_line_id,order_id,seller_id,product_id,quantity,unit_price,commission_amount,accepted_at,shipped_at,cancelled_at
        l1,o1,s1,p1,1,10.00,1.00,2024-05-01T13:00:00Z,2024-05-01T14:00:00Z,
        l2,o2,s2,p3,1,30.00,3.00,2024-05-02T13:00:00Z,,2024-05-02T14:00:00Z""",
    "events": """
        event_id,occurred_at,event_name,visitor_id,session_id,customer_id,order_id,product_id,source,medium,cart_id,load_ms
        e1,2024-05-01T10:00:00Z,page_view,v1,a,,,,google,cpc,,900
        e2,2024-05-01T10:01:00Z,product_view,v1,a,,,p1,,,,
        e3,2024-05-01T10:02:00Z,add_to_cart,v1,a,,,p1,,,k1,
        e4,2024-05-01T10:03:00Z,purchase,v1,a,c1,o1,,,,k1,""",
    "refunds": """
        refund_id,order_line_id,refunded_at,amount,currency
        r1,l1,2024-05-02T14:00:00Z,1.00,EUR""",
    "ad_spend": """
        spend_date,platform,campaign_id,channel,audience,objective,impressions,clicks,cost,currency
        2024-05-01,g,k1,paid_search,buyers,sales,10,1,2.00,EUR""",
    "reviews": "review_id,order_id,subject,rating,created_at\nv1,o1,seller,4,2024-05-02T14:00:00Z",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    extracts = read_extracts(write(tmp_path_factory.mktemp("extracts"), MARKET))
    return World(extracts, timezone="Europe/Paris", currency="EUR", rules=channel_rules([]))


@pytest.fixture(scope="module")
def everything(world):
    return pl.concat(rows.frame() for _, rows in recompute(world))


def test_every_kpi_is_recomputed(everything):
    assert set(everything["kpi_id"]) == set(KPIS)
    assert everything.filter(pl.col("is_covered"))["kpi_id"].n_unique() > 60


def test_a_kpi_that_is_declared_and_not_calculated_is_named(world, monkeypatch):
    monkeypatch.setitem(KPIS, "paid_share", Kpi("paid_share", "sales", None, (), ()))
    for wanted in (["paid_share"], ["paid_share", "gmv"]):
        [(_, rows)] = recompute(world, wanted)
        with pytest.raises(ValueError, match=r"^paid_share is declared in .*families/sales\.py, and nothing there"):
            rows.frame()


@pytest.mark.parametrize("kpi_id", KPIS)
def test_one_kpi_alone_is_the_same(world, everything, kpi_id):
    [(_, rows)] = recompute(world, [kpi_id])
    key = ["period_grain", "period_start", "dimension", "dimension_value"]
    assert_frame_equal(rows.frame().sort(key), everything.filter(pl.col("kpi_id") == kpi_id).sort(key))


def test_one_kpi_reads_what_it_needs(tmp_path):
    read = []
    extracts = read_extracts(write(tmp_path, MARKET), read.append)
    world = World(extracts, timezone="Europe/Paris", currency="EUR", rules=channel_rules([]))
    list(recompute(world, ["ad_clicks"]))
    assert sorted(read) == ["reading ad_spend.csv", "reading events.csv", "reading orders.csv"]  # these for the span


def test_the_estimate_grows_with_the_rows(tmp_path):
    write(tmp_path, MARKET)
    small = memory.estimate(read_extracts(tmp_path).delivered)
    header, *rows = (tmp_path / "events.csv").read_text().splitlines()
    (tmp_path / "events.csv").unlink()
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress("\n".join([header, *rows * 1000, ""]).encode()))
    large = memory.estimate(read_extracts(tmp_path).delivered)
    assert large - small == memory.PER_ROW["events"] * (len(rows) * 999)
    pl.DataFrame({"order_id": ["o1"] * 5}).write_parquet(tmp_path / "x.parquet")
    assert memory.count(tmp_path / "x.parquet") == 5
