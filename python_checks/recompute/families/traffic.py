"""Traffic: sessions, visitors, pages, searches, features."""

from __future__ import annotations

import polars as pl

from python_checks.recompute.catalogue import declare
from python_checks.recompute.measure import KEYS, KpiRows, measure
from python_checks.recompute.web import SESSION_DIMENSIONS
from python_checks.recompute.world import World

declare("traffic", """
sessions - {web_dimensions} events
visitors - {web_dimensions} events
new_visitor_rate - {web_dimensions} events
page_views - {web_dimensions} events,events:page_view
pages_per_session - {web_dimensions} events,events:page_view
bounce_rate - {web_dimensions} events,events:page_view
bounce_rate_single_page - {web_dimensions} events,events:page_view
engagement_rate - {web_dimensions} events,events:page_view
avg_session_duration - {web_dimensions} events
median_session_duration - {web_dimensions} events
sessions_per_visitor - {web_dimensions} events
organic_share - device,country,region events,events.source|events.medium
page_load_p75 - page_type,device,country,region events.load_ms
good_page_load_share - page_type,device,country,region events.load_ms
feature_adoption_rate - feature events,features,events:feature_use
searches - device,country,region events,events:search
zero_result_rate - device,country,region events.search_results,events:search
product_views - category,seller events,events:product_view
""")


ORGANIC = "organic_search"
GOOD_LOAD_MS = 2500
OF_SESSIONS = (
    "sessions", "visitors", "new_visitor_rate", "page_views", "pages_per_session", "bounce_rate",
    "bounce_rate_single_page", "engagement_rate", "avg_session_duration", "median_session_duration",
    "sessions_per_visitor", "organic_share",
)


def add(rows: KpiRows, world: World) -> None:
    """Adds the rows of the traffic KPIs."""
    if rows.wants(*OF_SESSIONS):
        _sessions(rows, world)
    if rows.wants("page_load_p75", "good_page_load_share"):
        _page_loads(rows, world)
    if rows.wants("feature_adoption_rate"):
        _features(rows, world)
    if rows.wants("searches", "zero_result_rate"):
        _searches(rows, world)
    if rows.wants("product_views"):
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
    loads = world.events_of("page_view", "load_ms", "page_type").filter(pl.col("load_ms").is_not_null())
    load_ms = pl.col("load_ms")
    terms = measure(
        world.calendar, loads, "day", ["page_type", "device", "country", "region"],
        p75=load_ms.quantile(0.75, "linear"), good=(load_ms <= GOOD_LOAD_MS).sum(), loads=pl.len())
    rows.percentile("page_load_p75", terms, "p75", "loads")
    rows.ratio("good_page_load_share", terms, "good", "loads")


def _features(rows: KpiRows, world: World) -> None:
    released = world.tables["features"].select("feature", released_day=world.calendar.day("released_at"))
    visits = world.sessions.select("visitor_id", "day").unique()
    uses = world.events_of("feature_use", "visitor_id", "feature").select(
        "visitor_id", "feature", day="session_day", is_used=pl.lit(True)).unique()
    parts = []
    visitor = pl.col("visitor_id")
    for feature, released_day in released.iter_rows():  # pairs of visitor and feature, one feature after the other
        own = uses.filter(pl.col("feature") == feature).drop("feature")
        met = visits.filter(pl.col("day") >= released_day).join(own, on=["visitor_id", "day"], how="left")
        parts.append(measure(
            world.calendar, met.with_columns(feature=pl.lit(feature)), "day", ["feature"],
            adopters=visitor.filter(pl.col("is_used")).n_unique(), visitors=visitor.n_unique()))
    nothing = {**dict.fromkeys(KEYS, pl.String), "period_start": pl.Date, "adopters": pl.Int64, "visitors": pl.Int64}
    terms = pl.concat([pl.DataFrame(schema=nothing), *parts]).group_by(KEYS).agg(pl.sum("adopters", "visitors"))
    rows.ratio("feature_adoption_rate", terms, "adopters", "visitors")


def _searches(rows: KpiRows, world: World) -> None:
    searches = world.events_of("search", "search_results")
    results = pl.col("search_results")
    terms = measure(
        world.calendar, searches, "day", ["device", "country", "region"],
        searches=pl.len(), without_result=(results == 0).sum(), known=results.count())
    rows.amount("searches", terms, "searches")
    rows.ratio("zero_result_rate", terms, "without_result", "known")


def _product_views(rows: KpiRows, world: World) -> None:
    terms = measure(world.calendar, world.product_views, "day", ["category", "seller"], views=pl.len())
    rows.amount("product_views", terms, "views")
