"""The rows of every KPI."""

from __future__ import annotations

from collections.abc import Iterable

from python_checks.recompute.catalogue import FAMILIES
from python_checks.recompute.families import (
    acquisition,
    balance,
    conversion,
    loyalty,
    sales,
    satisfaction,
    seller_quality,
    traffic,
)
from python_checks.recompute.measure import KpiRows
from python_checks.recompute.world import World

ADDERS = {
    "acquisition": acquisition.add,
    "traffic": traffic.add,
    "conversion": conversion.add,
    "sales": sales.add,
    "loyalty": loyalty.add,
    "satisfaction": satisfaction.add,
    "seller_quality": seller_quality.add,
    "balance": balance.add,
}


def recompute(world: World, families: Iterable[str] = FAMILIES, progress=lambda message: None) -> KpiRows:
    """The rows of every KPI of the families named (all by default)."""
    rows = KpiRows(world.calendar, world.has)
    for family, add in ADDERS.items():
        if family in families:
            progress(f"recomputing {family}")
            add(rows, world)
    return rows
