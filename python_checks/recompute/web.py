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
OF_KIND = {  # what KPIs are made of, of the events of a kind
    "page_view": ["occurred_at", "load_ms", "page_type"],
    "product_view": ["occurred_at", "product_id", "seller_id"],
    "search": ["occurred_at", "search_results"],
    "add_to_cart": ["occurred_at", "event_order", "cart_id"],
    "purchase": ["occurred_at", "event_order", "cart_id", "order_id"],
    "feature_use": ["occurred_at", "visitor_id", "feature"],
}
OF_FIRST_EVENT = ["visitor_id", "session_id", "source", "medium", "campaign_id", "device", "country", "region"]


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


@dataclass(frozen=True)
class Web:
    """What is known of the web: sessions (row n is session n), events by kind with the number of their session, and the
    visitors that carry a customer_id or an order_id."""

    sessions: pl.DataFrame
    kinds: dict[str, pl.DataFrame]
    customers: pl.DataFrame
    orders: pl.DataFrame


def read_web(events: pl.DataFrame, rules: list[ChannelRule], calendar: Calendar) -> Web:
    """The web that these events make."""
    number, sessions = _sessions(events)
    events = events.drop("session_id", "source", "medium", "campaign_id", "device", "country", "region")
    kinds, kind = {}, events["event_name"]
    for name, columns in OF_KIND.items():
        is_kind = kind == name
        own = [number.filter(is_kind).alias("session")]
        kinds[name] = pl.DataFrame([*own, *(events[column].filter(is_kind) for column in columns)])
    links = {key: events.select("visitor_id", key).drop_nulls().unique() for key in ("customer_id", "order_id")}
    happened = pl.DataFrame([number.alias("session"), kind])
    return Web(_described(sessions, happened, rules, calendar), kinds, links["customer_id"], links["order_id"])


def _sessions(events: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """The number of each event's session, and one row per session in the order of these numbers.

    Events without a session_id form sessions of their own: the visitor's events less than 30 minutes apart. A session
    has session, started_at, seconds and what its first event says of visitor, source, place and so on.
    """
    visitor, session_id = pl.col("visitor_id").to_physical().cast(pl.UInt64), pl.col("session_id").to_physical()
    keys = events.select(
        key=visitor * 2**32 + session_id.cast(pl.UInt64), at="occurred_at", order="event_order",
        visitor=visitor.cast(pl.UInt32))
    lone = keys.with_row_index("place").filter(pl.col("key").is_null())
    if len(lone):
        lone = lone.sort("visitor", "at", "order")
        is_new = (pl.col("visitor") != pl.col("visitor").shift(1)) | (pl.col("at").diff() >= SESSION_GAP)
        lone = lone.select("place", key=is_new.fill_null(True).cum_sum().cast(pl.UInt64) + 2**63)
        numbers = lone.sort("place")["key"]
        filled = keys["key"].clone()
        filled = filled.scatter(lone.sort("place")["place"], numbers)
        keys = keys.with_columns(filled.alias("key"))
        del lone, numbers, filled

    # the events in the order of their sessions, and where in it each session begins
    order = keys.select(pl.arg_sort_by("key", "at", "order")).to_series()
    key = keys["key"].gather(order)
    is_first = (key != key.shift(1)).fill_null(True)
    del key, keys
    number = (is_first.cast(pl.UInt32).cum_sum() - 1).cast(pl.UInt32)
    starts = is_first.arg_true()
    session = pl.repeat(0, len(order), dtype=pl.UInt32, eager=True).scatter(order, number)
    del number
    ends = pl.concat([starts.slice(1).cast(pl.Int64) - 1, pl.Series([len(order) - 1], dtype=pl.Int64)])
    first, last = order.gather(starts), order.gather(ends if len(order) else ends.clear())
    started_at, ended_at = events["occurred_at"].gather(first), events["occurred_at"].gather(last)
    columns = [events[name].gather(first) for name in OF_FIRST_EVENT]
    sessions = pl.DataFrame([
        pl.int_range(len(first), dtype=pl.UInt32, eager=True).alias("session"),
        *columns,
        started_at.alias("started_at"),
        ((ended_at - started_at).dt.total_microseconds() / 1e6).alias("seconds"),
    ])
    return session, sessions


def _described(
    sessions: pl.DataFrame, events: pl.DataFrame, rules: list[ChannelRule], calendar: Calendar
) -> pl.DataFrame:
    """The sessions with their channel and day and what happened in them."""
    name = pl.col("event_name")
    kinds = {
        "has_purchase": ("purchase",), "has_checkout": ("begin_checkout",), "has_intent": ("search", "product_view"),
        "has_action": ("add_to_cart", "begin_checkout", "purchase"),
    }
    happened = events.group_by("session").agg(
        views=(name == "page_view").sum(),
        **{column: pl.any_horizontal(name == word for word in words).any() for column, words in kinds.items()},
    )
    pairs = sessions.select(pl.col("source", "medium")).unique(maintain_order=True)
    channels = [channel_of(rules, *pair) for pair in pairs.cast(pl.String).iter_rows()]
    pairs = pairs.with_columns(
        pl.Series("channel", [channel for channel, _ in channels], dtype=pl.String).cast(pl.Categorical),
        pl.Series("is_paid_channel", [is_paid for _, is_paid in channels], dtype=pl.Boolean),
    )
    sessions = (
        sessions.join(happened, on="session", how="left", maintain_order="left")
        .join(pairs, on=["source", "medium"], how="left", nulls_equal=True, maintain_order="left")
        .drop("source", "medium")
        .with_columns(day=calendar.day("started_at"))
        .with_columns(
            is_engaged=(pl.col("seconds") > ENGAGED_SECONDS) | (pl.col("views") >= 2) | pl.col("has_action"))
    )
    # a visitor's first session ever; of two at one instant the one with the lower session_id
    start = ["visitor_id", "started_at"]
    firsts = sessions.select(pl.col("visitor_id"), "started_at").group_by("visitor_id").agg(pl.min("started_at"))
    candidates = sessions.select("session", *start, "session_id").join(firsts, on=start, how="semi")
    first = candidates.with_columns(pl.col("session_id").cast(pl.String)).sort("session_id", nulls_last=True).unique(
        "visitor_id", keep="first")["session"]
    is_first = pl.repeat(False, len(sessions), eager=True).scatter(first.sort(), True)
    return sessions.with_columns(is_first.alias("is_first"))


def attribution(
    orders: pl.DataFrame, web: Web, refusing: pl.Series, tracked: pl.DataFrame
) -> pl.DataFrame:
    """order_id, channel, is_paid_channel, campaign of every order.

    The last non-direct session of the buyer's visitors that starts in the 30 business days up to the order; when there
    is none `direct` on the days that `tracked` holds, else no channel is known. `refusing` holds the customers who did
    not consent: they are never joined to sessions. A session_id of an order that several visitors have links nobody.
    """
    coded = pl.Categorical
    of_order = orders.select(pl.col("order_id").cast(coded), buyer=pl.col("customer_id").cast(coded))
    of_session = orders.filter(pl.col("session_id").is_not_null()).select(
        pl.col("session_id").cast(coded), buyer=pl.col("customer_id").cast(coded))
    named = web.sessions.select("session_id", "visitor_id").join(of_session, on="session_id", how="semi").unique()
    alone = named.filter(pl.col("session_id").is_unique())
    links = pl.concat([
        web.customers.select("visitor_id", buyer="customer_id"),
        web.orders.join(of_order, on="order_id").select("visitor_id", "buyer"),
        alone.join(of_session, on="session_id").select("visitor_id", "buyer"),
    ]).drop_nulls().unique()
    links = links.filter(~pl.col("buyer").is_in(refusing.cast(coded).implode()))

    buyer = pl.col("buyer").to_physical()
    touches = (
        web.sessions.filter(pl.col("channel") != DIRECT)
        .select("visitor_id", "session_id", "started_at", "day", "channel", "is_paid_channel", campaign="campaign_id")
        .join(links, on="visitor_id")
        .with_columns(buyer, pl.col("visitor_id", "session_id").cast(pl.String))
        .sort("started_at", "visitor_id", "session_id", nulls_last=True)
        .unique(["buyer", "started_at"], keep="first", maintain_order=True)
        .drop("visitor_id", "session_id")
    )
    found = orders.select(
        "order_id", "ordered_at", "order_day", buyer=pl.col("customer_id").cast(coded).to_physical()
    ).sort("ordered_at").join_asof(
        touches, left_on="ordered_at", right_on="started_at", by="buyer", check_sortedness=False)
    found = found.join(tracked.select(order_day="day", is_tracked=pl.lit(True)), on="order_day", how="left")
    is_recent = days_between(pl.col("day"), pl.col("order_day")) < ATTRIBUTION_DAYS
    return found.select(
        "order_id",
        channel=pl.when(is_recent).then(pl.col("channel").cast(pl.String)).when("is_tracked").then(pl.lit(DIRECT)),
        is_paid_channel=pl.when(is_recent).then("is_paid_channel").otherwise(False),
        campaign=pl.when(is_recent).then(pl.col("campaign").cast(pl.String)),
    )


def carts_of(web: Web, calendar: Calendar) -> pl.DataFrame:
    """One row per cart: created_day, the dimensions of the session it was created in, is_purchased.

    A cart is its cart_id, or its session where that is missing. A purchase with a cart_id buys that cart, one without
    buys every cart that was added to in its session, when it follows the creation within 7 days.
    """
    key = pl.coalesce(pl.col("cart_id").to_physical().cast(pl.UInt64), pl.col("session").cast(pl.UInt64) + 2**32)
    additions = web.kinds["add_to_cart"].with_columns(cart=key)
    carts = additions.sort("occurred_at", "event_order").group_by("cart", maintain_order=True).agg(
        created_at=pl.first("occurred_at"), created_in=pl.first("session"))
    purchases = web.kinds["purchase"].with_columns(cart=key)
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
        .join(web.sessions.select("session", *SESSION_DIMENSIONS), left_on="created_in", right_on="session", how="left")
    )
