"""Satisfaction: surveys, reviews, customer service."""

from __future__ import annotations

import datetime as dt

import polars as pl

from python_checks.recompute.catalogue import declare
from python_checks.recompute.measure import KpiRows, measure
from python_checks.recompute.seller_orders import measure_seller_orders
from python_checks.recompute.world import World

declare("satisfaction", """
nps - country,region survey_invitations
seller_nps - country,region survey_invitations
csat - country,region survey_invitations
csat_hot - country,region survey_invitations
csat_cold - country,region survey_invitations
satisfaction_decay - - survey_invitations
relationship_satisfaction - - survey_invitations
value_fit - - survey_invitations
survey_response_rate 14 survey,wave survey_invitations,survey_invitations.answered_at,survey_invitations.score
avg_rating - {review_dimensions} reviews
reviews - {review_dimensions} reviews
review_rate 30 seller,country reviews,order_lines.delivered_at,reviews.subject=seller
positive_review_share - {review_dimensions} reviews
negative_review_share - {review_dimensions} reviews
first_response_time_median 2 topic support_tickets
first_response_time_p90 2 topic support_tickets
response_sla_24h_rate 1 topic support_tickets,support_tickets.first_response_at
resolution_rate 14 topic support_tickets,support_tickets.resolved_at
resolution_time_median 14 topic support_tickets
""")


PLACES = ["country", "region"]


def add(rows: KpiRows, world: World) -> None:
    """Adds the rows of the satisfaction KPIs."""
    if rows.wants("nps", "seller_nps", "csat", "csat_hot", "csat_cold", "relationship_satisfaction", "value_fit"):
        _scores(rows, world)
    if rows.wants("satisfaction_decay"):
        _decay(rows, world)
    if rows.wants("survey_response_rate"):
        _responses(rows, world)
    if rows.wants("avg_rating", "reviews", "positive_review_share", "negative_review_share"):
        _reviews(rows, world)
    if rows.wants("review_rate"):
        _review_rate(rows, world)
    if rows.wants(
        "first_response_time_median", "first_response_time_p90", "resolution_time_median", "resolution_rate",
        "response_sla_24h_rate",
    ):
        _tickets(rows, world)


def _scores(rows: KpiRows, world: World) -> None:
    score = pl.col("score")
    promoters = 100 * ((score >= 9).cast(pl.Int64).sum() - (score <= 6).cast(pl.Int64).sum())
    top_two = (score >= 4).sum()
    buyers = pl.col("respondent") == "buyer"
    csat = buyers & (pl.col("survey") == "csat")
    for kpi_id, of, numerator in (
        ("nps", buyers & (pl.col("survey") == "nps"), promoters),
        ("seller_nps", ~buyers & (pl.col("survey") == "nps"), promoters),
        ("csat", csat, top_two),
        ("csat_hot", csat & (pl.col("wave") == "hot"), top_two),
        ("csat_cold", csat & (pl.col("wave") == "cold"), top_two),
        ("relationship_satisfaction", buyers & (pl.col("survey") == "relationship"), top_two),
        ("value_fit", buyers & (pl.col("survey") == "value_fit"), top_two),
    ):
        answers = world.surveys.filter(pl.col("is_answer") & of)
        terms = measure(world.calendar, answers, "answer_day", PLACES, points=numerator, answers=pl.len())
        rows.ratio(kpi_id, terms, "points", "answers")


def _decay(rows: KpiRows, world: World) -> None:
    answers = world.surveys.filter(
        pl.col("is_answer") & (pl.col("respondent") == "buyer") & (pl.col("survey") == "csat")
        & pl.col("order_id").is_not_null())
    first = answers.sort("answered_at", "invitation_id").unique(["order_id", "wave"], keep="first").with_columns(
        top_two=(pl.col("score") >= 4).cast(pl.Int64))
    hot = first.filter(pl.col("wave") == "hot").select("order_id", hot="top_two")
    both = first.filter(pl.col("wave") == "cold").join(hot, on="order_id")
    terms = measure(
        world.calendar, both, "answer_day", [], change=(pl.col("top_two") - pl.col("hot")).sum(), orders=pl.len())
    rows.ratio("satisfaction_decay", terms, "change", "orders")


def _responses(rows: KpiRows, world: World) -> None:
    delivered = world.surveys.filter(
        (pl.col("respondent") == "buyer") & (pl.col("is_delivered").fill_null(True) | pl.col("is_answer")))
    terms = measure(
        world.calendar, delivered.with_columns(day=world.calendar.day("sent_at")), "day", ["survey", "wave"],
        answered=pl.sum("is_answer"), delivered=pl.len())
    rows.ratio("survey_response_rate", terms, "answered", "delivered")


def _reviews(rows: KpiRows, world: World) -> None:
    rating = pl.col("rating")
    terms = measure(
        world.calendar, world.reviews, "day", ["seller", "category", "country", "region", "subject"],
        reviews=pl.len(), ratings=rating.sum(), positive=(rating >= 4).sum(), negative=(rating <= 2).sum())
    rows.ratio("avg_rating", terms, "ratings", "reviews")
    rows.amount("reviews", terms, "reviews")
    rows.ratio("positive_review_share", terms, "positive", "reviews")
    rows.ratio("negative_review_share", terms, "negative", "reviews")


def _review_rate(rows: KpiRows, world: World) -> None:
    delivered = measure_seller_orders(
        world, world.lines, "delivered_day", lambda seller_orders: seller_orders,
        reviewed=pl.sum("has_review"), delivered=pl.len())
    rows.ratio("review_rate", delivered, "reviewed", "delivered")


def _tickets(rows: KpiRows, world: World) -> None:
    tickets = world.tickets.filter(pl.col("handled_by") == "operator")
    response, resolution = pl.col("response_hours"), pl.col("resolution_hours")
    terms = measure(
        world.calendar, tickets, "day", ["topic"],
        response_median=response.median(),
        response_p90=response.quantile(0.9, "linear"),
        answered=response.count(),
        resolution_median=resolution.median(),
        resolved=resolution.count(),
        solved=(pl.col("resolved_at").is_not_null() & pl.col("reopened_at").is_null()).sum(),
        tickets=pl.len(),
    )
    rows.percentile("first_response_time_median", terms, "response_median", "answered")
    rows.percentile("first_response_time_p90", terms, "response_p90", "answered")
    rows.percentile("resolution_time_median", terms, "resolution_median", "resolved")
    rows.ratio("resolution_rate", terms, "solved", "tickets")

    old_enough = tickets.filter(pl.col("opened_at") <= world.calendar.end - dt.timedelta(hours=24))
    terms = measure(world.calendar, old_enough, "day", ["topic"], in_time=(response <= 24).sum(), tickets=pl.len())
    rows.ratio("response_sla_24h_rate", terms, "in_time", "tickets")
