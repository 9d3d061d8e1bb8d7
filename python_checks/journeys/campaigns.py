"""What campaigns for buyers brought, and what the market did meanwhile."""

from __future__ import annotations

import datetime as dt

import polars as pl

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.money import as_number
from python_checks.recompute.world import World

IMPACT = {
    "campaign_id": pl.String, "first_day": pl.Date, "last_day": pl.Date, "spend": pl.Float64, "sessions": pl.Int64,
    "orders": pl.Int64, "gmv": pl.Float64, "market_change": pl.Float64, "market_change_adjusted": pl.Float64,
    "overlapping": pl.String,
}
A_YEAR = dt.timedelta(days=364)
ATTRIBUTION = tuple(need for need in KPIS["cpa"].needs if not need.startswith("ad_spend"))


class Market:
    """Paid orders by day; None for days of which one lies outside the span."""

    def __init__(self, world: World) -> None:
        self.first, self.last = world.calendar.first_day, world.calendar.as_of
        self._orders = dict(world.orders.group_by("order_day").len().iter_rows())

    def orders(self, first: dt.date, last: dt.date) -> int | None:
        """Orders from a day to another, both included."""
        if first < self.first or last > self.last:
            return None
        return sum(self._orders.get(first + dt.timedelta(days=n), 0) for n in range((last - first).days + 1))

    def change(self, first: dt.date, last: dt.date) -> float | None:
        """Orders of these days over those of the same days moved back by the fewest whole weeks that clear them."""
        back = dt.timedelta(weeks=-(-((last - first).days + 1) // 7))
        during, before = self.orders(first, last), self.orders(first - back, last - back)
        return during / before if during is not None and before else None


def impact_table(world: World) -> pl.DataFrame:
    """campaign_impact."""
    calendar, market = world.calendar, Market(world)
    spend = world.ad_spend.filter(
        (pl.col("audience") == "buyers") & pl.col("spend_date").is_between(calendar.first_day, calendar.as_of))
    campaigns = spend.group_by("campaign_id").agg(
        first_day=pl.min("spend_date"), last_day=pl.max("spend_date"), spend=as_number(pl.sum("cost"))
    ).sort("campaign_id").to_dicts()
    named = [row["campaign_id"] for row in campaigns]
    campaign = pl.col("campaign").cast(pl.String)
    sessions = world.sessions.select("day", campaign="campaign_id").with_columns(campaign).filter(
        campaign.is_in(named)).group_by("campaign", "day").agg(n=pl.len())
    orders = world.orders.filter(pl.col("campaign").is_in(named)).group_by("campaign", day="order_day").agg(
        n=pl.len(), gmv=pl.sum("gmv"))
    covered = dict(zip(world.coverage.days, world.coverage.covered("events"), strict=True))
    attributes = world.has(*ATTRIBUTION)
    rows = []
    for row in campaigns:
        first, last = row["first_day"], row["last_day"]
        own = (pl.col("campaign") == row["campaign_id"]) & pl.col("day").is_between(first, last)
        seen = all(covered[first + dt.timedelta(days=n)] for n in range((last - first).days + 1))
        attributed = orders.filter(own)
        change, change_before = market.change(first, last), market.change(first - A_YEAR, last - A_YEAR)
        others = [
            other["campaign_id"] for other in campaigns if other is not row
            and other["first_day"] <= last and other["last_day"] >= first]
        rows.append({
            **row,
            "sessions": int(sessions.filter(own)["n"].sum()) if seen else None,
            "orders": int(attributed["n"].sum()) if seen and attributes else None,
            "gmv": attributed.select(as_number(pl.sum("gmv"))).item() if seen and attributes else None,
            "market_change": change,
            "market_change_adjusted": change / change_before if change is not None and change_before else None,
            "overlapping": ", ".join(sorted(others)) or None})
    return pl.DataFrame(rows, schema=IMPACT)
