"""Terms of seller orders, in every dimension they have."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from python_checks.recompute.measure import measure
from python_checks.recompute.world import World


def measure_seller_orders(
    world: World, lines: pl.DataFrame, day: str, prepare: Callable[[pl.DataFrame], pl.DataFrame], **terms: pl.Expr
) -> pl.DataFrame:
    """Terms of the seller orders these lines make, dated by the column `day`; `prepare` may add or drop some first.

    For `category` a seller order is made of the lines of that category only.
    """
    whole, parts = prepare(world.seller_orders(lines)), prepare(world.seller_orders(lines, by="category"))
    return pl.concat([
        measure(world.calendar, whole, day, ["seller", "country", "region"], **terms),
        measure(world.calendar, parts, day, ["category"], overall=False, **terms),
    ])
