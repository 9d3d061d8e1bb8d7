"""Acquisition: advertising, what it costs to win buyers and sellers, leads."""

from __future__ import annotations

import polars as pl

from python_checks.recompute.catalogue import declare
from python_checks.recompute.measure import KpiRows, combine, measure
from python_checks.recompute.world import BUYER_DIMENSIONS, World

declare("acquisition", """
ad_impressions - channel,campaign ad_spend
ad_clicks - channel,campaign ad_spend
ad_spend - channel,campaign ad_spend
cpm - channel,campaign ad_spend
cpc - channel,campaign ad_spend
ctr - channel,campaign ad_spend
cpa - channel,campaign events,ad_spend,{attribution},{buyer_ads}
cpl - channel,campaign ad_spend,leads,ad_spend.objective=leads,leads.qualified_at
cac_blended - - ad_spend,{buyer_ads}
cac_paid - channel,campaign events,ad_spend,{attribution},{buyer_ads}
seller_cac - - ad_spend,ad_spend.audience=sellers
repeat_order_cost - - ad_spend,ad_spend.objective=retention
new_buyers - country,region,channel,customer_type -
click_conversion_rate - channel,campaign events,ad_spend,{attribution},{buyer_ads}
roas 60 channel,campaign events,ad_spend,{net},{attribution},{buyer_ads}
marketing_roi - channel,campaign events,ad_spend,{commission},{attribution},{buyer_ads}
leads - channel,campaign leads
lead_conversion_rate 90 channel,campaign leads,leads.converted_at
""")


ADS = ["channel", "campaign"]


def add(rows: KpiRows, world: World) -> None:
    """Adds the rows of the acquisition KPIs."""
    if rows.wants("ad_impressions", "ad_clicks", "ad_spend", "cpm", "cpc", "ctr"):
        _advertising(rows, world)
    if rows.wants("cpa", "click_conversion_rate", "roas", "marketing_roi"):
        _per_order(rows, world)
    if rows.wants("new_buyers", "cac_blended", "cac_paid"):
        _per_buyer(rows, world)
    if rows.wants("seller_cac", "repeat_order_cost"):
        _recruiting_and_keeping(rows, world)
    if rows.wants("leads", "lead_conversion_rate", "cpl"):
        _leads(rows, world)


def _advertising(rows: KpiRows, world: World) -> None:
    spend = measure(
        world.calendar, world.ad_spend, "spend_date", ADS,
        impressions=pl.sum("impressions"), clicks=pl.sum("clicks"), cost=pl.sum("cost"))
    rows.amount("ad_impressions", spend, "impressions")
    rows.amount("ad_clicks", spend, "clicks")
    rows.amount("ad_spend", spend, "cost")
    rows.ratio("cpm", spend, 1000 * pl.col("cost"), "impressions")
    rows.ratio("cpc", spend, "cost", "clicks")
    rows.ratio("ctr", spend, "clicks", "impressions")


def _per_order(rows: KpiRows, world: World) -> None:
    calendar = world.calendar
    paid = world.orders.filter("is_paid_channel")
    spend = world.spend_on("buyers", all_but="leads")
    result = pl.concat([
        paid.select(pl.col("order_day").alias("day"), *ADS, amount="earned"),
        spend.select(pl.col("spend_date").alias("day"), *ADS, amount=0 - pl.col("cost")),
    ])
    terms = combine(
        measure(calendar, spend, "spend_date", ADS, cost=pl.sum("cost"), clicks=pl.sum("clicks")),
        measure(calendar, paid, "order_day", ADS, orders=pl.col("is_valid").sum(), gmv_net=pl.sum("net_value")),
        measure(calendar, result, "day", ADS, result=pl.sum("amount")),
    )
    rows.ratio("cpa", terms, "cost", "orders")
    rows.ratio("click_conversion_rate", terms, "orders", "clicks")
    rows.ratio("roas", terms, "gmv_net", "cost")
    rows.ratio("marketing_roi", terms, "result", "cost")


def _per_buyer(rows: KpiRows, world: World) -> None:
    calendar = world.calendar
    new_buyers = measure(calendar, world.new_buyers, "first_day", BUYER_DIMENSIONS, new_buyers=pl.len())
    rows.amount("new_buyers", new_buyers, "new_buyers")

    spend = world.spend_on("buyers", all_but="retention")
    cost = measure(calendar, spend, "spend_date", ADS, cost=pl.sum("cost"))
    rows.ratio("cac_blended", combine(cost, new_buyers), "cost", "new_buyers")

    paid = measure(calendar, world.new_buyers.filter("is_paid_channel"), "first_day", ADS, paid_buyers=pl.len())
    rows.ratio("cac_paid", combine(cost, paid), "cost", "paid_buyers")


def _recruiting_and_keeping(rows: KpiRows, world: World) -> None:
    calendar = world.calendar
    first_sales = world.valid_lines.group_by("seller_id").agg(first_day=pl.min("order_day"))
    recruiting = world.ad_spend.filter(pl.col("audience") == "sellers")
    rows.ratio("seller_cac", combine(
        measure(calendar, recruiting, "spend_date", [], cost=pl.sum("cost")),
        measure(calendar, first_sales, "first_day", [], sellers=pl.len()),
    ), "cost", "sellers")

    keeping = world.ad_spend.filter(pl.col("objective") == "retention")
    repeats = world.buyer_orders.filter(pl.col("nth") > 1)
    rows.ratio("repeat_order_cost", combine(
        measure(calendar, keeping, "spend_date", [], cost=pl.sum("cost")),
        measure(calendar, repeats, "order_day", [], orders=pl.len()),
    ), "cost", "orders")


def _leads(rows: KpiRows, world: World) -> None:
    leads = world.tables["leads"].with_columns(
        day=world.calendar.day("created_at"),
        campaign="campaign_id",
        # a person_key never equals a lead_id of somebody else
        person=pl.coalesce(pl.lit("person ") + pl.col("person_key"), pl.lit("lead ") + pl.col("lead_id")),
    )
    person = pl.col("person")
    spend = world.ad_spend.filter(pl.col("objective") == "leads")
    terms = combine(
        measure(
            world.calendar, leads, "day", ADS,
            leads=person.n_unique(),
            qualified=person.filter(pl.col("qualified_at").is_not_null()).n_unique(),
            converted=person.filter(pl.col("converted_at").is_not_null()).n_unique(),
        ),
        measure(world.calendar, spend, "spend_date", ADS, cost=pl.sum("cost")),
    )
    rows.amount("leads", terms, "leads")
    rows.ratio("lead_conversion_rate", terms, "converted", "leads")
    rows.ratio("cpl", terms, "cost", "qualified")
