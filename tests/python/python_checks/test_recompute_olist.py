"""The Olist data set under its mapping, held against totals worked out independently and published ones."""

import os
from pathlib import Path

import polars as pl
import pytest

from python_checks.recompute import olist
from python_checks.recompute.compute import recompute
from python_checks.recompute.money import UNIT_PLACES
from python_checks.recompute.world import World

FOLDER = Path(os.environ.get("OLIST_DIR", Path(__file__).parents[4] / "shared" / "data" / "olist"))
pytestmark = pytest.mark.skipif(not (FOLDER / "olist_orders_dataset.csv").is_file(), reason="skipped: no data")


@pytest.fixture(scope="module")
def world():
    return World(olist.read_olist(FOLDER), timezone=olist.TIMEZONE, currency=olist.CURRENCY, rules=[])


@pytest.fixture(scope="module")
def overall(world):
    """Every KPI of every period, overall."""
    return pl.concat(rows.frame().filter(pl.col("dimension") == "all") for _, rows in recompute(world))


@pytest.fixture(scope="module")
def yearly(overall):
    """The years 2016 to 2018."""
    return overall.filter(pl.col("period_grain") == "year")


@pytest.fixture(scope="module")
def daily(overall):
    return overall.filter(pl.col("period_grain") == "day")


def total(yearly, kpi_id, column="numerator"):
    return yearly.filter(pl.col("kpi_id") == kpi_id)[column].sum()


def test_totals_over_the_whole_span(world, yearly):
    assert str(world.calendar.first_day) == "2016-09-04"
    assert str(world.calendar.as_of) == "2018-10-17"
    assert total(yearly, "orders") == 99_281
    assert total(yearly, "valid_orders") == 98_185
    assert round(total(yearly, "gmv"), 2) == 13_589_973.27
    assert round(total(yearly, "gmv_net"), 2) == 13_492_730.31
    assert total(yearly, "new_buyers") == 94_970
    assert total(yearly, "seller_orders") == 99_996
    assert total(yearly, "cancellation_rate") == 467
    assert total(yearly, "cancellation_rate", "denominator") == 99_281


def test_published_numbers(world, daily):
    """Over all orders, as others counted them; without the nine reviews of this copy that have lost their date."""
    assert len(world.all_orders) == 99_441
    assert round(world.all_lines["line_value"].sum() / 10**UNIT_PLACES, 2) == 13_591_643.70
    assert total(daily, "leads") == 8_000
    undated = world.extracts.rejected.filter(pl.col("table_name") == "reviews")
    assert undated["reason"].unique().to_list() == ["created_at is missing"]
    assert total(daily, "reviews") == 99_224 - len(undated)
    read = dict(world.extracts.files.select("table_name", "rows_read").iter_rows())
    assert read["olist_order_reviews_dataset"] == 99_224
    assert read["olist_order_items_dataset"] == 112_650


def test_what_olist_lacks_has_no_value(yearly):
    for kpi_id in ("platform_revenue", "refunded_amount", "nps", "cpa", "ad_spend", "return_rate",
                   "acceptance_rate", "registered_customers", "registered_sellers", "platform_fulfilled_share"):
        assert yearly.filter(pl.col("kpi_id") == kpi_id)["value"].null_count() == 3


def test_feeds_that_ended_have_no_value_afterwards(overall):
    months = overall.filter(pl.col("period_grain") == "month")
    for kpi_id, first, last in (("leads", "2017-07-01", "2018-05-01"), ("reviews", "2016-09-01", "2018-08-01")):
        covered = months.filter((pl.col("kpi_id") == kpi_id) & pl.col("is_covered"))
        assert covered["value"].null_count() == 0
        starts = covered["period_start"].cast(pl.String)
        assert (starts.min(), starts.max()) == (first, last)
    assert months.filter(pl.col("kpi_id") == "orders")["is_covered"].all()
