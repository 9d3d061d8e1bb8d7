"""Olist's real data, published and held against what is known of it. Skipped where the data is not at hand."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ops.project import ROOT
from tests.python import stories

PAGE = ROOT / "docs" / "olist.md"
OLIST = Path(os.environ.get("OLIST_DIR", ROOT.parent / "shared" / "data" / "olist"))


@pytest.fixture(scope="module")
def olist(
    tmp_path_factory: pytest.TempPathFactory, build_market: Callable[..., duckdb.DuckDBPyConnection]
) -> duckdb.DuckDBPyConnection:
    if not OLIST.is_dir():
        pytest.skip("skipped: no data")
    return build_market(tmp_path_factory.mktemp("olist"), CONNECTOR="olist", EXTRACTS_DIR=str(OLIST))


class TestOlist:
    """The totals of the mapping, and what others have published of this data set."""

    @staticmethod
    def one(release: duckdb.DuckDBPyConnection, query: str) -> tuple:
        return release.execute(query).fetchone()

    def test_totals_of_the_mapping(self, olist: duckdb.DuckDBPyConnection) -> None:
        assert self.one(olist, """
            select count(*) filter (is_paid), sum(line_value) filter (is_paid), sum(net_value) filter (is_paid),
                count(*) filter (is_valid), count(distinct customer_id) filter (is_valid),
                count(*) filter (is_paid and has_cancelled_line)
            from marts.fct_orders""") == (
                99281, Decimal("13589973.27"), Decimal("13492730.31"), 98185, 94970, 467)
        assert self.one(olist, "select count(*) from marts.fct_seller_orders") == (99996,)

    def test_kpis_of_the_whole_span_are_those_totals(self, olist: duckdb.DuckDBPyConnection) -> None:
        totals = dict(olist.execute("""
            select kpi_id, sum(value) from marts.kpi_values
            where period_grain = 'year' and dimension = 'all'
                and kpi_id in ('orders', 'gmv', 'gmv_net', 'seller_orders')
            group by kpi_id""").fetchall())
        assert {kpi: round(value, 2) for kpi, value in totals.items()} == {
            "orders": 99281, "gmv": 13589973.27, "gmv_net": 13492730.31, "seller_orders": 99996}

    def test_orders_and_money(self, olist: duckdb.DuckDBPyConnection) -> None:
        # published over all orders, paid or not
        assert self.one(olist, "select count(*) from marts.fct_orders") == (99441,)
        price, orders, total = self.one(olist, """
            select sum(line_value), count(distinct order_id), sum(line_value + shipping_amount)
            from marts.fct_order_lines""")
        assert (price, orders, total) == (Decimal("13591643.70"), 98666, Decimal("15843553.24"))
        assert round(price / orders, 2) == Decimal("137.75")
        assert self.one(olist, "select sum(amount) from marts.fct_payments") == (Decimal("16008872.12"),)
        assert self.one(olist, """
            select count(*) from marts.fct_orders
            where date_trunc('month', ordered_on) = date '2017-01-01'""") == (800,)

    def test_delivered_orders(self, olist: duckdb.DuckDBPyConnection) -> None:
        # 15,419,773.75 is published for status delivered; 8 of those have no delivery date: not delivered here
        delivered = {row["order_id"] for row in rows("orders") if row["order_status"] == "delivered"}
        undated = {row["order_id"] for row in rows("orders")
                   if row["order_id"] in delivered and not row["order_delivered_customer_date"]}
        missing = sum(Decimal(row["price"]) + Decimal(row["freight_value"])
                      for row in rows("order_items") if row["order_id"] in undated)
        value, orders = self.one(olist, """
            select sum(line_value + shipping_amount), count(distinct order_id)
            from marts.fct_order_lines where is_delivered and not is_cancelled""")
        assert (len(delivered), len(undated), orders) == (96478, 8, 96470)
        assert value + missing == Decimal("15419773.75")

    def test_late_deliveries_and_delivery_time(self, olist: duckdb.DuckDBPyConnection) -> None:
        # the estimate is a date: after its midnight is late by the clock, after its day is late by the calendar
        assert self.one(olist, """
            select count(distinct order_id) filter (delivered_on >= promised_on),
                count(distinct order_id) filter (delivered_on > promised_on)
            from marts.fct_order_lines where is_delivered and not is_cancelled""") == (7826, 6534)
        days = self.one(olist, """
            select avg(days) from (
                select order_id, max(epoch(delivered_at) - epoch(ordered_at)) / 86400 as days
                from marts.fct_order_lines where is_delivered and not is_cancelled group by order_id)""")[0]
        assert round(days, 2) == 12.56

    def test_reviews(self, olist: duckdb.DuckDBPyConnection) -> None:
        # a review without a creation date is rejected; with its score, if any, the published numbers come out
        stars, reviews, low = self.one(olist, """
            select sum(rating), count(*), count(*) filter (rating <= 2) from marts.fct_reviews""")
        rejected = [int(score) for (score,) in olist.execute("""
            select json_extract_string(row_content, 'review_score') from marts.rejected_rows
            where column_name = 'review_creation_date'""").fetchall()]
        reviews += len(rejected)
        assert reviews == 99224
        assert round((stars + sum(rejected)) / reviews, 4) == 4.0864
        assert round(100 * (low + sum(score <= 2 for score in rejected)) / reviews, 2) == 14.69

    def test_customers_and_sellers(self, olist: duckdb.DuckDBPyConnection) -> None:
        assert self.one(olist, """
            select count(*), count(*) filter (orders > 1)
            from (select count(*) as orders from marts.fct_orders group by customer_id)""") == (96096, 2997)
        share = self.one(olist, """
            select sum(value) filter (place <= 10) / sum(value) from (
                select sum(line_value + shipping_amount) as value,
                    row_number() over (order by sum(line_value + shipping_amount) desc) as place
                from marts.fct_order_lines group by seller_id)""")[0]
        assert round(100 * share, 2) == 12.80

    def test_leads(self, olist: duckdb.DuckDBPyConnection) -> None:
        # 842 deals are published; those won after the last order's day have not happened yet at as_of
        as_of = str(self.one(olist, "select as_of from marts.release_info")[0])
        later = sum(row["won_date"][:10] > as_of for row in rows("closed_deals"))
        leads, converted, social, social_converted = self.one(olist, """
            select count(*), count(*) filter (is_converted), count(*) filter (channel = 'social'),
                count(*) filter (channel = 'social' and is_converted)
            from marts.fct_leads""")
        assert (leads, converted + later) == (8000, 842)
        assert (social_converted, social) == (75, 1350)

    def test_the_answers_of_the_page(self, olist: duckdb.DuckDBPyConnection) -> None:
        assert len(stories.questions(PAGE)) >= 8
        assert "\n".join(stories.differences(olist, PAGE)) == ""


def rows(table: str) -> list[dict[str, str]]:
    """The rows of one of Olist's files as they were delivered."""
    with (OLIST / f"olist_{table}_dataset.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
