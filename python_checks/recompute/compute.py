"""The rows of every KPI, family by family."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from python_checks.recompute import families
from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.measure import KpiRows
from python_checks.recompute.world import World

ADDERS = {  # those made of web events come first
    "traffic": families.traffic.add,
    "conversion": families.conversion.add,
    "acquisition": families.acquisition.add,
    "sales": families.sales.add,
    "loyalty": families.loyalty.add,
    "satisfaction": families.satisfaction.add,
    "seller_quality": families.seller_quality.add,
    "balance": families.balance.add,
}


# Tables that only one family reads: forgotten after it.
READ_ONCE = {
    "conversion": ("events",),
    "satisfaction": ("survey_invitations",),
}


def recompute(
    world: World, kpi_ids: Iterable[str] = KPIS, progress: Callable[[str], None] = lambda message: None
) -> Iterator[tuple[str, KpiRows]]:
    """Per family the rows of those of its KPIs that are wanted (all by default), in an order that spares memory."""
    wanted = set(kpi_ids)
    for family, add in ADDERS.items():
        own = {kpi_id for kpi_id in wanted if KPIS[kpi_id].family == family}
        if own:
            progress(f"recomputing {family}")
            rows = KpiRows(world.calendar, world.coverage, world.has, own)
            add(rows, world)
            yield family, rows
            del rows
        world.forget(*READ_ONCE.get(family, ()))
