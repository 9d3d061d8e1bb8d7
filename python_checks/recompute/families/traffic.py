"""Traffic: sessions, visitors, pages, searches, features."""

from __future__ import annotations

import polars as pl

from python_checks.recompute.measure import KpiRows, measure
from python_checks.recompute.web import SESSION_DIMENSIONS
from python_checks.recompute.world import World

ORGANIC = "organic_search"
GOOD_LOAD_MS = 2500


def add(rows: KpiRows, world: World) -> None:
    """Adds the rows of the traffic KPIs."""
    _sessions(rows, world)
    _page_loads(rows, world)
    _features(rows, world)
    _searches(rows, world)
    _product_views(rows, world)


def _sessions(rows: KpiRows, world: World) -> None:
    visitor, seconds = pl.col("visitor_id"), pl.col("seconds")
    is_single_page = (pl.col("views") <= 1) & ~pl.col("has_action")
    terms = measure(
        world.calendar, world.sessions, "day", SESSION_DIMENSIONS,
        sessions=pl.len(),
        visitors=visitor.n_unique(),
        new_visitors=pl.sum("is_first"),
        views=pl.sum("views"),
        bounced=(~pl.col("is_engaged")).sum(),
        single_page=is_single_page.sum(),
        engaged=pl.sum("is_engaged"),
        seconds=seconds.sum(),
        median_seconds=seconds.median(),
        organic=(pl.col("channel") == ORGANIC).sum(),
    )
    rows.amount("sessions", terms, "sessions")
    rows.amount("visitors", terms, "visitors")
    rows.ratio("new_visitor_rate", terms, "new_visitors", "visitors")
    rows.amount("page_views", terms, "views")
    rows.ratio("pages_per_session", terms, "views", "sessions")
    rows.ratio("bounce_rate", terms, "bounced", "sessions")
    rows.ratio("bounce_rate_single_page", terms, "single_page", "sessions")
    rows.ratio("engagement_rate", terms, "engaged", "sessions")
    rows.ratio("avg_session_duration", terms, "seconds", "sessions")
    rows.percentile("median_session_duration", terms, "median_seconds", "sessions")
    rows.ratio("sessions_per_visitor", terms, "sessions", "visitors")
    rows.ratio("organic_share", terms, "organic", "sessions")


def _page_loads(rows: KpiRows, world: World) -> None:
    loads = world.session_events.filter((pl.col("event_name") == "page_view") & pl.col("load_ms").is_not_null())
    load_ms = pl.col("load_ms")
    terms = measure(
        world.calendar, loads, "day", ["page_type", "device", "country", "region"],
        p75=load_ms.quantile(0.75, "linear"), good=(load_ms <= GOOD_LOAD_MS).sum(), loads=pl.len())
    rows.percentile("page_load_p75", terms, "p75", "loads")
    rows.ratio("good_page_load_share", terms, "good", "loads")


def _features(rows: KpiRows, world: World) -> None:
    released = world.tables["features"].select("feature", released_day=world.calendar.day("released_at"))
    visits = world.sessions.select("visitor_id", "day").unique()
    uses = world.session_events.filter(pl.col("event_name") == "feature_use").select(
        "visitor_id", "feature", day="session_day", is_used=pl.lit(True)).unique()
    met = visits.join(released, how="cross").filter(pl.col("day") >= pl.col("released_day")).join(
        uses, on=["visitor_id", "feature", "day"], how="left")
    pair = pl.struct("visitor_id", "feature")
    terms = measure(
        world.calendar, met, "day", ["feature"],
        adopters=pair.filter(pl.col("is_used")).n_unique(), visitors=pair.n_unique())
    rows.ratio("feature_adoption_rate", terms, "adopters", "visitors")


def _searches(rows: KpiRows, world: World) -> None:
    searches = world.session_events.filter(pl.col("event_name") == "search")
    results = pl.col("search_results")
    terms = measure(
        world.calendar, searches, "day", ["device", "country", "region"],
        searches=pl.len(), without_result=(results == 0).sum(), known=results.count())
    rows.amount("searches", terms, "searches")
    rows.ratio("zero_result_rate", terms, "without_result", "known")


def _product_views(rows: KpiRows, world: World) -> None:
    terms = measure(world.calendar, world.product_views, "day", ["category", "seller"], views=pl.len())
    rows.amount("product_views", terms, "views")
