"""Conversion: from a session, a cart or a payment attempt to a purchase."""

from __future__ import annotations

import polars as pl

from python_checks.recompute.catalogue import declare
from python_checks.recompute.measure import KpiRows, combine, measure
from python_checks.recompute.web import SESSION_DIMENSIONS
from python_checks.recompute.world import World

declare("conversion", """
conversion_rate_session - {web_dimensions} events,events:purchase,{looked}
conversion_rate_visitor - {web_dimensions} events,events:purchase,{looked}
conversion_rate_cart 7 {web_dimensions} events,events:purchase,events:add_to_cart
orders_per_session - {web_dimensions} events,events:purchase,{looked}
cart_abandonment_rate 7 {web_dimensions} events,events:purchase,events:add_to_cart
checkout_abandonment_rate - {web_dimensions} events,events:purchase,events:begin_checkout
transaction_completion_rate 1 country,region payments,{unpaid}
category_conversion_rate - category events,events:purchase,events:product_view,events.order_id,events.product_id
liquidity_rate - {web_dimensions} events,events:purchase
""")



def add(rows: KpiRows, world: World) -> None:
    """Adds the rows of the conversion KPIs."""
    if rows.wants(
        "conversion_rate_session", "conversion_rate_visitor", "orders_per_session", "checkout_abandonment_rate",
        "liquidity_rate",
    ):
        _sessions(rows, world)
    if rows.wants("conversion_rate_cart", "cart_abandonment_rate"):
        _carts(rows, world)
    if rows.wants("transaction_completion_rate"):
        _payments(rows, world)
    if rows.wants("category_conversion_rate"):
        _categories(rows, world)


def _sessions(rows: KpiRows, world: World) -> None:
    calendar, visitor = world.calendar, pl.col("visitor_id")
    buys, intends, checks_out = pl.col("has_purchase"), pl.col("has_intent"), pl.col("has_checkout")
    order, event = pl.col("order_id").to_physical().cast(pl.UInt64), pl.col("event_order").cast(pl.UInt64) + 2**32
    purchases = world.events_of("purchase", "order_id", "event_order").with_columns(purchase=pl.coalesce(order, event))
    terms = combine(
        measure(
            calendar, world.sessions, "day", SESSION_DIMENSIONS,
            sessions=pl.len(),
            buying=buys.sum(),
            visitors=visitor.n_unique(),
            buying_visitors=visitor.filter(buys).n_unique(),
            checkouts=checks_out.sum(),
            checkouts_left=(checks_out & ~buys).sum(),
            intents=intends.sum(),
            intents_buying=(intends & buys).sum(),
        ),
        measure(calendar, purchases, "session_day", SESSION_DIMENSIONS, purchases=pl.n_unique("purchase")),
    )
    rows.ratio("conversion_rate_session", terms, "buying", "sessions")
    rows.ratio("conversion_rate_visitor", terms, "buying_visitors", "visitors")
    rows.ratio("orders_per_session", terms, "purchases", "sessions")
    rows.ratio("checkout_abandonment_rate", terms, "checkouts_left", "checkouts")
    rows.ratio("liquidity_rate", terms, "intents_buying", "intents")


def _carts(rows: KpiRows, world: World) -> None:
    purchased = pl.col("is_purchased")
    terms = measure(
        world.calendar, world.carts, "created_day", SESSION_DIMENSIONS,
        purchased=purchased.sum(), abandoned=(~purchased).sum(), carts=pl.len())
    rows.ratio("conversion_rate_cart", terms, "purchased", "carts")
    rows.ratio("cart_abandonment_rate", terms, "abandoned", "carts")


def _payments(rows: KpiRows, world: World) -> None:
    orders = world.payments.group_by("order_id").agg(
        pl.first("country", "region"), first_day=pl.min("day"), is_completed=pl.any("is_succeeded"))
    terms = measure(
        world.calendar, orders, "first_day", ["country", "region"], completed=pl.sum("is_completed"), orders=pl.len())
    rows.ratio("transaction_completion_rate", terms, "completed", "orders")


def _categories(rows: KpiRows, world: World) -> None:
    viewed = world.product_views.select("session", "category", day="session_day").unique()
    ordered = world.all_lines.select(pl.col("order_id", "category").cast(pl.Categorical)).unique()
    bought = (
        world.events_of("purchase", "order_id").select("session", "order_id")
        .join(ordered, on="order_id")
        .select("session", "category", is_bought=pl.lit(True)).unique()
    )
    sessions = viewed.join(bought, on=["session", "category"], how="left")
    session = pl.col("session")
    terms = measure(
        world.calendar, sessions, "day", ["category"],
        buying=session.filter(pl.col("is_bought")).n_unique(), viewing=session.n_unique())
    rows.ratio("category_conversion_rate", terms, "buying", "viewing")
