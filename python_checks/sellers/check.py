"""Holds the published tables of the folder `sellers` against their recomputation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from python_checks.recompute.compare import Published, Verdict
from python_checks.recompute.measure import ALL
from python_checks.recompute.world import World
from python_checks.sellers.evaluation import Evaluator, evaluation_days, policies_table, read_rules
from python_checks.sellers.health import health_table
from python_checks.sellers.matching import Expected, match
from python_checks.sellers.ranking import BENCHMARKED, OF_TOP, benchmarks_table, top_table
from python_checks.sellers.steps import events_table, steps_table

BUILTIN = Path(__file__).parents[2] / "seeds" / "builtin_seller_policies.csv"
EVALUATION = ("seller_id", "evaluated_on")


def kept_values(values: pl.DataFrame) -> pl.DataFrame:
    """Of recomputed rows of kpi_values those that this folder's tables are made of."""
    kpi_id, dimension = pl.col("kpi_id"), pl.col("dimension")
    of_seller = (dimension == "seller") & kpi_id.is_in([*BENCHMARKED, *OF_TOP])
    return values.filter(
        pl.col("period_grain").is_in(["month", "quarter", "year"])
        & (of_seller | ((dimension == ALL) & kpi_id.is_in(OF_TOP))))


def expected_tables(world: World, values: pl.DataFrame, builtin: Path = BUILTIN) -> Iterator[Expected]:
    """What each table must say, one after the other."""
    rules = read_rules(world, builtin)
    yield Expected("seller_policies", ("policy", "kpi_id"), policies_table(rules))
    evaluator = Evaluator(world, rules)
    days = evaluation_days(world.calendar.as_of)
    scorecard = evaluator.scorecard(days)
    yield Expected("seller_scorecard", (*EVALUATION, "kpi_id"), scorecard)
    yield Expected("seller_health", EVALUATION, health_table(world, scorecard, days, evaluator.policies))
    events = events_table(world, scorecard, days, rules, evaluator.policies)
    yield Expected("seller_account_events", ("event_id",), events)
    yield Expected("seller_next_steps", ("seller_id",), steps_table(evaluator))
    yield Expected("seller_benchmarks", ("seller_id", "period_start", "kpi_id"), benchmarks_table(world, values))
    yield Expected("top_sellers", ("period_grain", "period_start", "rank"), top_table(values))


def check_sellers(
    world: World, values: pl.DataFrame, published: Published, builtin: Path = BUILTIN
) -> list[Verdict]:
    """A verdict on each table of the folder.

    `values` are recomputed rows of kpi_values, at least those that `kept_values` keeps.
    """
    return [match(expected, published) for expected in expected_tables(world, values, builtin)]
