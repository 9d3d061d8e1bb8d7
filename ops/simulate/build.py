"""The whole simulation: which subjects there are, in which order they depend on each other."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from ops.simulate import (
    aftersales,
    decisions,
    demand,
    events,
    experiments,
    finance,
    lines,
    marketing,
    parties,
    service,
    stories,
    web,
)
from ops.simulate.contract import TABLES
from ops.simulate.deliver import as_known, deliveries, write_daily, write_last_days, write_whole
from ops.simulate.dirt import spoil
from ops.simulate.settings import Settings
from ops.simulate.world import World, build_world


class Simulation:
    """One marketplace: the shared subjects are simulated at once, each table when it is asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.world: World = build_world(settings)
        self.sellers = parties.simulate_sellers(self.world)
        stories.tell_stories(self.world, self.sellers)
        self.offers = parties.simulate_offers(self.world, self.sellers, stories.CATEGORY)
        self.demand = demand.simulate_demand(self.world)
        self.lines = lines.simulate_lines(self.world, self.demand, self.sellers, self.offers)
        self.after = aftersales.simulate_aftersales(self.world, self.demand, self.offers, self.lines)
        parties.plant_sellers(self.world, self.sellers)
        self.sessions = web.simulate_sessions(self.world, self.demand)
        self.makers: dict[str, Callable[[], pl.DataFrame]] = {
            "customers": lambda: demand.customers_table(self.world, self.demand),
            "sellers": lambda: parties.sellers_table(self.world, self.sellers),
            "seller_status_events": lambda: parties.status_events_table(self.world, self.sellers),
            "products": lambda: parties.products_table(self.world, self.offers),
            "offers": lambda: parties.offers_table(self.world, self.offers),
            "orders": lambda: demand.orders_table(self.world, self.demand),
            "order_lines": lambda: lines.order_lines_table(self.world, self.demand, self.lines),
            "payments": lambda: lines.payments_table(self.world, self.demand, self.lines),
            "returns": lambda: aftersales.returns_table(self.world, self.after),
            "refunds": lambda: aftersales.refunds_table(self.world, self.demand, self.lines, self.after),
            "claims": lambda: aftersales.claims_table(self.after),
            "reviews": lambda: aftersales.reviews_table(self.world, self.demand, self.lines),
            "seller_fees": lambda: finance.seller_fees_table(self.world, self.sellers),
            "operating_costs": lambda: finance.operating_costs_table(self.world),
            "exchange_rates": lambda: finance.exchange_rates_table(self.world),
            "leads": lambda: marketing.leads_table(self.world, self.demand, self.sellers),
            "ad_spend": lambda: marketing.ad_spend_table(self.world),
            "experiments": lambda: experiments.experiments_table(self.world),
            "features": lambda: marketing.features_table(self.world),
            "experiment_assignments": lambda: experiments.assignments_table(self.world, self.sessions),
            "support_tickets": lambda: service.support_tickets_table(self.world, self.demand, self.lines, self.sellers),
            "survey_invitations": lambda: service.survey_invitations_table(
                self.world, self.demand, self.lines, self.sellers
            ),
            "kpi_targets": lambda: decisions.targets_table(self.world),
            "seller_policies": lambda: decisions.policies_table(self.world),
            "calendar_events": lambda: decisions.calendar_table(self.world),
            "action_log": lambda: decisions.actions_table(self.world),
        }

    def parts(self, name: str) -> Iterator[pl.DataFrame]:
        """One table with the instants the simulation knows beyond it; the events in several parts, others in one."""
        if name == "events":
            yield from events.event_parts(self.world, self.demand, self.lines, self.sellers, self.offers, self.sessions)
        else:
            yield self.makers[name]()

    def table(self, name: str) -> Iterator[pl.DataFrame]:
        """The parts of one table as it is known at the end of the span, in the contract's shape."""
        return (as_known(name, part, self.world.cutoff) for part in self.parts(name))

    def daily(self, name: str) -> Iterator[pl.DataFrame]:
        """The parts of one table with every delivered version of every row and its delivery day `dt`."""
        return (deliveries(name, part, self.world.first_day, self.world.cutoff) for part in self.parts(name))

    def names(self) -> Iterator[str]:
        """The tables asked for, in the order of the contract."""
        return (name for name in TABLES if not self.settings.tables or name in self.settings.tables)


def _clear(out: Path, name: str) -> None:
    """Remove an earlier extract of a table, whatever its format."""
    for old in (out / name, *(out / f"{name}.{fmt}" for fmt in ("csv", "csv.gz", "parquet"))):
        if old.is_dir():
            shutil.rmtree(old)
        elif old.exists():
            old.unlink()


def write_extracts(settings: Settings, out: Path, say: Callable[[str], None] = lambda _: None) -> dict:
    """Simulate and write every table asked for, and `truth.json` beside them; returns the truth.

    Earlier extracts of the same tables in `out` are replaced, other files are left alone.
    """
    began = time.perf_counter()
    simulation = Simulation(settings)
    say(f"{simulation.demand.size} orders simulated in {time.perf_counter() - began:.1f} s")
    out.mkdir(parents=True, exist_ok=True)
    rows = {}
    for name in simulation.names():
        _clear(out, name)
        fmt = settings.format_of(name)
        if settings.daily:
            rows[name] = write_daily(name, simulation.daily(name), out, fmt)
        elif settings.last_days:
            first_day, cutoff = simulation.world.first_day, simulation.world.cutoff
            rows[name] = write_last_days(
                name, simulation.parts(name), first_day, cutoff, settings.last_days, out, fmt)
        else:
            rows[name] = write_whole(name, simulation.table(name), out, fmt)
        say(f"{name}: {rows[name]} rows ({time.perf_counter() - began:.1f} s)")
    truth = {"seed": settings.seed, **simulation.world.truth, "rows": rows}
    if settings.dirt:
        truth |= spoil(out, set(rows), settings.end)
    (out / "truth.json").write_text(json.dumps(truth, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return truth
