"""python -m python_checks.recompute: every published KPI held against its recomputation from the extracts."""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from ops.project import ProjectError, memory_limit
from python_checks.decisions.check import check_decisions, collect
from python_checks.journeys import check_journeys, other_tables, tables_of_events
from python_checks.recompute import memory, olist
from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.compare import CompareError, Published, Verdict, compare
from python_checks.recompute.compute import recompute
from python_checks.recompute.extracts import Extracts, read_extracts
from python_checks.recompute.files import ExtractError
from python_checks.recompute.money import MissingRateError
from python_checks.recompute.web import read_channel_rules
from python_checks.recompute.world import World
from python_checks.sellers import check_sellers, kept_values

CONNECTORS = {  # reader, default time zone, default currency
    "native": (read_extracts, "Europe/Paris", "EUR"),
    "olist": (olist.read_olist, olist.TIMEZONE, olist.CURRENCY),
}
CHANNEL_RULES = Path(__file__).parents[2] / "seeds" / "channel_rules.csv"


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """The command line; what it leaves out comes from the environment, then from the connector."""
    parser = argparse.ArgumentParser(prog="python -m python_checks.recompute", description=__doc__)
    env = os.environ.get
    parser.add_argument("--extracts", type=Path, default=env("EXTRACTS_DIR", "extracts/sample"), help="folder to read")
    parser.add_argument("--connector", choices=CONNECTORS, default=env("CONNECTOR", "native"))
    published = env("PUBLISHED_DB", "published/marketplace.duckdb")
    parser.add_argument("--published", type=Path, default=published, help="DuckDB file to check")
    parser.add_argument("--schema", default="marts", help="its schema")
    parser.add_argument("--kpis", type=lambda text: text.split(","), help="only these, separated by commas")
    parser.add_argument("--force", action="store_true", help="whatever memory it takes")
    parser.add_argument("--as-of", type=dt.date.fromisoformat, default=env("AS_OF") or None)
    parser.add_argument("--timezone", default=env("BUSINESS_TIMEZONE") or None)
    parser.add_argument("--currency", default=env("REPORTING_CURRENCY") or None)
    parser.add_argument("--channel-rules", type=Path, default=CHANNEL_RULES, help="CSV file of the rules")
    return parser.parse_args(argv)


def build_world(args: argparse.Namespace, extracts: Extracts) -> World:
    """The marketplace of the extracts."""
    _, timezone, currency = CONNECTORS[args.connector]
    world = World(
        extracts, timezone=args.timezone or timezone, currency=args.currency or currency,
        rules=read_channel_rules(args.channel_rules), as_of=args.as_of)
    world.require_a_paid_order()
    world.coverage.check()
    return world


def report(verdict: Verdict) -> str:
    """The line of a KPI, and its first differing rows."""
    state = "PASS" if verdict.passed else f"FAIL ({verdict.failures} rows)"
    head = f"{verdict.kpi_id:32} {verdict.compared:9,} rows  largest difference {verdict.worst:.1e}  {state}"
    return "\n".join([head, *(f"    {example}" for example in verdict.examples)])


def main(argv: list[str] | None = None) -> int:
    """Compares and prints. 0 when every KPI passed, or was left out because of the memory it would take; 1 when a KPI
    failed; 2 when there was nothing to compare with."""
    args = arguments(argv)
    started = time.monotonic()

    def progress(message: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {message}", file=sys.stderr, flush=True)

    try:
        published = Published(args.published, args.schema)
        known = published.kpis()
        wanted = args.kpis or [kpi_id for kpi_id in KPIS if kpi_id in known]
        strangers = [kpi_id for kpi_id in wanted if kpi_id not in KPIS or kpi_id not in known]
        if strangers or not wanted:
            raise CompareError(f"{args.published}: not to be compared: {', '.join(strangers) or 'no KPI at all'}")
        extracts = CONNECTORS[args.connector][0](args.extracts, progress)
        needed, limit = memory.estimate(extracts.delivered), memory_limit()
        if needed > limit and not args.force:
            print(f"not recomputed: it would take about {memory.written(needed)} of memory and the limit is "
                  f"{memory.written(limit)}; `make recompute` runs it alone, whatever it takes")
            return 0
        verdicts = []
        for verdict in compare_all(build_world(args, extracts), published, wanted, not args.kpis, progress):
            print(report(verdict), flush=True)
            verdicts.append(verdict)
    except (CompareError, ExtractError, MissingRateError, ProjectError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    others = len({*KPIS, *known} - set(wanted))
    if others:
        print(f"{others} others " + ("were not asked for" if args.kpis else "are known to one side only"))
    failed = sum(not verdict.passed for verdict in verdicts)
    tables = f" and {len(verdicts) - len(wanted)} tables made from them" if not args.kpis else ""
    print(f"{len(wanted)} KPIs{tables}: {len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0


def compare_all(
    world: World, published: Published, wanted: list[str], has_all: bool, progress: Callable[[str], None]
) -> Iterator[Verdict]:
    """The verdict on each KPI, family by family; where all KPIs are wanted, on each table made from them too."""
    progress(f"span {world.calendar.first_day} to {world.calendar.as_of}")
    values = None
    if has_all:
        values = collect(world, published)
        progress("recomputing journeys on the web")
        yield from check_journeys(tables_of_events(world), published)
    of_sellers = []
    for family, rows in recompute(world, wanted, progress):
        own = [kpi_id for kpi_id in wanted if KPIS[kpi_id].family == family]
        told = published.rows(own)
        yield from compare(rows, told, own)
        if values is not None:
            recomputed = rows.frame()
            values.add(recomputed, told)
            of_sellers.append(kept_values(recomputed))
    if values is not None:
        country = os.environ.get("CALENDAR_COUNTRY") or None
        yield from check_decisions(world, values, published, country=country, progress=progress)
        progress("recomputing sellers")
        yield from check_sellers(world, pl.concat(of_sellers), published)
        progress("recomputing other journeys")
        yield from check_journeys(other_tables(world), published)


if __name__ == "__main__":
    gc.disable()  # hardly anything here refers to itself: looking for it takes a tenth of the time and frees nothing
    sys.exit(main())
