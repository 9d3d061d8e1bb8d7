"""Sessions, channels, carts, and which session an order is attributed to."""

from __future__ import annotations

import csv
import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from python_checks.recompute.periods import Calendar, days_between

DIRECT, OTHER = "direct", "other"
SESSION_GAP = dt.timedelta(minutes=30)
ATTRIBUTION_DAYS = 30
CART_DAYS = 7
ENGAGED_SECONDS = 10
SESSION_DIMENSIONS = ["channel", "device", "country", "region"]


@dataclass(frozen=True)
class ChannelRule:
    """A row of channel_rules: patterns of a whole source and medium, empty for anything."""

    source: re.Pattern
    medium: re.Pattern
    channel: str
    is_paid: bool


def channel_rules(rows: list[dict[str, str]]) -> list[ChannelRule]:
    """Rules in their order from rows of the seed (rule_order, source_pattern, medium_pattern, channel, is_paid)."""
    def pattern(text: str | None) -> re.Pattern:
        return re.compile(text or ".*", re.IGNORECASE | re.DOTALL)

    return [
        ChannelRule(pattern(row["source_pattern"]), pattern(row["medium_pattern"]), row["channel"],
                    row["is_paid"].strip().lower() == "true")
        for row in sorted(rows, key=lambda row: int(row["rule_order"]))
    ]


def read_channel_rules(path: Path | str) -> list[ChannelRule]:
    """The rules of a seed file."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return channel_rules(list(csv.DictReader(file)))


def channel_of(rules: list[ChannelRule], source: str | None, medium: str | None) -> tuple[str, bool]:
    """Channel of a source and medium, and whether it is paid."""
    source, medium = (source or "").strip(), (medium or "").strip()
    if not source and not medium:
        return DIRECT, False
    for rule in rules:
        if rule.source.fullmatch(source) and rule.medium.fullmatch(medium):
            return rule.channel, rule.is_paid
    return OTHER, False


def with_sessions(events: pl.DataFrame) -> pl.DataFrame:
    """Events without bots, in time order, with the number of their session (`session`).

    Events without a session_id form sessions of their own: the visitor's events less than 30 minutes apart.
    """
    events = events.filter(~pl.col("is_bot").fill_null(False)).sort("visitor_id", "occurred_at", "event_id")
    own = ["visitor_id", "session_id"]
    gap = pl.col("occurred_at") - pl.col("occurred_at").shift(1).over(own)
    is_break = pl.col("session_id").is_null() & (gap >= SESSION_GAP)
    events = events.with_columns(_block=is_break.fill_null(False).cast(pl.Int64).cum_sum().over(own))
    numbers = events.select(*own, "_block").unique(maintain_order=True).with_row_index("session")
    return events.join(numbers, on=[*own, "_block"], nulls_equal=True, maintain_order="left").drop("_block")


def sessions_of(events: pl.DataFrame, rules: list[ChannelRule], calendar: Calendar) -> pl.DataFrame:
    """One row per session: visitor, start, day, first event's source and so on, what happened in it."""
    def has(*names: str) -> pl.Expr:
        return pl.col("event_name").is_in(names).any()

    first = ["visitor_id", "session_id", "source", "medium", "campaign_id", "device", "country", "region"]
    sessions = events.group_by("session", maintain_order=True).agg(
        pl.first(*first),
        started_at=pl.first("occurred_at"),
        seconds=(pl.last("occurred_at") - pl.first("occurred_at")).dt.total_microseconds() / 1e6,
        views=(pl.col("event_name") == "page_view").sum(),
        has_purchase=has("purchase"),
        has_checkout=has("begin_checkout"),
        has_intent=has("search", "product_view"),
        has_action=has("add_to_cart", "begin_checkout", "purchase"),
    )
    pairs = sessions.select("source", "medium").unique(maintain_order=True)
    channels = [channel_of(rules, *pair) for pair in pairs.iter_rows()]
    pairs = pairs.with_columns(
        pl.Series("channel", [channel for channel, _ in channels], dtype=pl.String),
        pl.Series("is_paid_channel", [is_paid for _, is_paid in channels], dtype=pl.Boolean),
    )
    return sessions.join(
        pairs, on=["source", "medium"], how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(
        day=calendar.day("started_at"),
        is_engaged=(pl.col("seconds") > ENGAGED_SECONDS) | (pl.col("views") >= 2) | pl.col("has_action"),
    ).sort("visitor_id", "started_at", "session_id", nulls_last=True).with_columns(
        is_first=pl.col("visitor_id").is_first_distinct())


def attribution(orders: pl.DataFrame, events: pl.DataFrame, sessions: pl.DataFrame, refusing: pl.Series,
                calendar: Calendar) -> pl.DataFrame:
    """order_id, channel, is_paid_channel, campaign of every order.

    The last non-direct session of the buyer's visitors that starts in the 30 business days up to the order; `direct`
    when there is none. `refusing` holds the customers who did not consent: they are never joined to sessions.
    """
    of_order = orders.select("order_id", buyer="customer_id")
    of_session = orders.filter(pl.col("session_id").is_not_null()).select("session_id", buyer="customer_id")
    links = pl.concat([
        events.select("visitor_id", buyer="customer_id"),
        events.join(of_order, on="order_id").select("visitor_id", "buyer"),
        sessions.join(of_session, on="session_id").select("visitor_id", "buyer"),
    ]).drop_nulls().unique()
    links = links.filter(~pl.col("buyer").is_in(refusing.implode()))

    touches = (
        sessions.filter(pl.col("channel") != DIRECT)
        .join(links, on="visitor_id")
        .sort("buyer", "started_at", "visitor_id", "session_id", nulls_last=True)
        .unique(["buyer", "started_at"], keep="first", maintain_order=True)
        .select("buyer", "started_at", "day", "channel", "is_paid_channel", campaign="campaign_id")
        .sort("started_at")
    )
    found = orders.select("order_id", "ordered_at", "order_day", buyer="customer_id").sort("ordered_at").join_asof(
        touches, left_on="ordered_at", right_on="started_at", by="buyer", check_sortedness=False)
    is_recent = days_between(pl.col("day"), pl.col("order_day")) < ATTRIBUTION_DAYS
    return found.select(
        "order_id",
        channel=pl.when(is_recent).then("channel").otherwise(pl.lit(DIRECT)),
        is_paid_channel=pl.when(is_recent).then("is_paid_channel").otherwise(False),
        campaign=pl.when(is_recent).then("campaign"),
    )


def carts_of(events: pl.DataFrame, sessions: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """One row per cart: created_day, the dimensions of the session it was created in, is_purchased.

    A cart is its cart_id, or its session where that is missing. A purchase with a cart_id buys that cart, one without
    buys every cart of its session, when it follows the creation within 7 days.
    """
    key = pl.coalesce(pl.lit("cart ") + pl.col("cart_id"), pl.lit("session ") + pl.col("session").cast(pl.String))
    additions = events.filter(pl.col("event_name") == "add_to_cart").with_columns(cart=key)
    carts = additions.sort("occurred_at", "event_id").group_by("cart", maintain_order=True).agg(
        created_at=pl.first("occurred_at"), created_in=pl.first("session"))
    purchases = events.filter(pl.col("event_name") == "purchase").with_columns(cart=key)
    by_id = purchases.filter(pl.col("cart_id").is_not_null()).join(carts, on="cart")
    of_session = additions.select("session", "cart").unique()
    in_session = purchases.filter(pl.col("cart_id").is_null()).drop("cart").join(of_session, on="session").join(
        carts, on="cart")
    bought = pl.concat([frame.select("cart", "created_at", "occurred_at") for frame in (by_id, in_session)]).filter(
        (pl.col("occurred_at") >= pl.col("created_at"))
        & (days_between(calendar.day("created_at"), calendar.day("occurred_at")) <= CART_DAYS))
    return (
        carts.with_columns(
            created_day=calendar.day("created_at"), is_purchased=pl.col("cart").is_in(bought["cart"].implode()))
        .join(sessions.select("session", *SESSION_DIMENSIONS), left_on="created_in", right_on="session", how="left")
    )
