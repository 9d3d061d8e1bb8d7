"""Tiny marketplaces for the tests of the recomputation: extracts written as CSV, read and recomputed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.compute import recompute
from python_checks.recompute.extracts import read_extracts
from python_checks.recompute.web import channel_rules
from python_checks.recompute.world import World

RULE_COLUMNS = ("rule_order", "source_pattern", "medium_pattern", "channel", "is_paid")
RULES = channel_rules([
    dict(zip(RULE_COLUMNS, rule, strict=True))
    for rule in (("2", "", "organic", "organic_search", "false"), ("1", "google", "cpc", "paid_search", "true"))
])
PARTIES = {
    "customers": """
        customer_id,created_at,country,consent_analytics
        c1,2024-01-01T00:00:00Z,FR,
        c2,2024-01-01T00:00:00Z,FR,true
        c3,2024-01-01T00:00:00Z,DE,false""",
    "sellers": """
        seller_id,registered_at,country
        s1,2024-01-01T00:00:00Z,FR
        s2,2024-01-01T00:00:00Z,DE""",
    "products": """
        product_id,category
        p1,books
        p2,books
        p3,toys
        p4,""",
}
# A market with this knows of refunds, and loses nothing to them.
NOTHING_REFUNDED = "refund_id,order_line_id,refunded_at,amount,currency\nr0,l1,2024-05-01T13:00:00Z,0.00,EUR"
NO_ORDERS = {
    "orders": "order_id,customer_id,ordered_at,paid_at,currency",
    "order_lines": "order_line_id,order_id,seller_id,product_id,quantity,unit_price",
}


class Market:
    """The recomputed rows of a tiny marketplace, family by family as they are asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._frames: dict[str, pl.DataFrame] = {}

    def row(self, kpi_id: str, grain: str, start: str, segment: str = "all=all") -> dict | None:
        """The row of a KPI in a period and segment (dimension=value), None when there is none."""
        dimension, _, value = segment.partition("=")
        found = self.frame(KPIS[kpi_id].family).filter(
            (pl.col("kpi_id") == kpi_id) & (pl.col("period_grain") == grain)
            & (pl.col("period_start") == dt.date.fromisoformat(start))
            & (pl.col("dimension") == dimension) & (pl.col("dimension_value") == value))
        assert len(found) <= 1, f"{kpi_id} has the row twice"
        return found.to_dicts()[0] if len(found) else None

    def frame(self, family: str) -> pl.DataFrame:
        """The rows of a family."""
        if family not in self._frames:
            own = [kpi for kpi in KPIS if KPIS[kpi].family == family]
            self._frames[family] = pl.concat(rows.frame() for _, rows in recompute(self.world, own))
        return self._frames[family]

    def value(self, *key: str) -> float | None:
        """The value of such a row, to the ninth decimal."""
        return self.terms(*key)[2]

    def terms(self, *key: str) -> tuple[float | None, float | None, float | None]:
        """Numerator, denominator and value of such a row, to the ninth decimal."""
        row = self.row(*key)
        numbers = (row["numerator"], row["denominator"], row["value"])
        return tuple(None if number is None else round(number, 9) for number in numbers)


def write(folder: Path, tables: dict[str, str]) -> Path:
    """Writes each table as CSV; indentation does not count."""
    for name, text in tables.items():
        lines = [line.strip() for line in text.strip().splitlines()]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def market(folder: Path, as_of: str | None = None, currency: str = "EUR", **tables: str) -> Market:
    """The marketplace of the tables given (CSV text); three customers, two sellers and four products by default."""
    extracts = read_extracts(write(folder, {**PARTIES, **NO_ORDERS, **tables}))
    day = dt.date.fromisoformat(as_of) if as_of else None
    world = World(extracts, timezone="Europe/Paris", currency=currency, rules=RULES, as_of=day)
    return Market(world)


def orders(*rows: str) -> str:
    """Orders in EUR, paid at once: `order_id customer_id day-or-time`, days at noon UTC."""
    lines = ["order_id,customer_id,ordered_at,paid_at,currency"]
    for row in rows:
        order, customer, moment = row.split()
        moment = moment if "T" in moment else f"{moment}T12:00:00Z"
        lines.append(f"{order},{customer},{moment},{moment},EUR")
    return "\n".join(lines)
