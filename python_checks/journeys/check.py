"""Holds the published tables of the folder `journeys` against their recomputation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from python_checks.journeys.campaigns import impact_table
from python_checks.journeys.complaints import drivers_table, examples_table
from python_checks.journeys.funnels import funnel_table
from python_checks.journeys.loyalty import cohorts_table, pairs_table
from python_checks.journeys.processes import process_table
from python_checks.journeys.trials import MONEY, results_table
from python_checks.recompute.compare import Published, Verdict
from python_checks.recompute.measure import KEYS
from python_checks.recompute.world import World
from python_checks.sellers.matching import TOLERANCE, Expected, match

# How exactly probabilities are published: normal and chi-square ones to their own size, what is Student's altogether.
PROBABILITY = 1e-6
OF_MONEY = pl.col("metric") == MONEY


def _of_trials() -> dict[str, pl.Expr]:
    """What the columns of experiment_results may differ by."""
    own, p_value = PROBABILITY * pl.col("srm_p_value").abs(), PROBABILITY * pl.col("p_value").abs()
    bounds = {
        name: pl.when(OF_MONEY).then(PROBABILITY).otherwise(TOLERANCE)
        * pl.max_horizontal(pl.lit(1.0), pl.col(name).abs())
        for name in ("ci_low", "ci_high")}
    return {"srm_p_value": own, "p_value": pl.when(OF_MONEY).then(PROBABILITY).otherwise(p_value), **bounds}


def tables_of_events(world: World) -> Iterator[Expected]:
    """What the tables made of web events must say."""
    yield Expected("funnel_steps", (*KEYS, "step_no"), funnel_table(world))
    yield Expected("campaign_impact", ("campaign_id",), impact_table(world))
    yield Expected("experiment_results", ("experiment", "variant", "metric"), results_table(world), _of_trials())


def other_tables(world: World) -> Iterator[Expected]:
    """What the tables made without web events must say."""
    yield Expected("cohort_retention", ("side", "cohort_month", "month_no"), cohorts_table(world))
    yield Expected("cross_sell_pairs", ("first_item", "second_item"), pairs_table(world))
    yield Expected("process_steps", ("period_start", "dimension", "dimension_value", "step"), process_table(world))
    yield Expected("review_drivers", ("driver",), drivers_table(world))
    yield Expected("review_examples", ("review_id",), examples_table(world))


def check_journeys(tables: Iterable[Expected], published: Published) -> list[Verdict]:
    """A verdict on each of these tables of the folder; everything is counted anew."""
    return [match(expected, published) for expected in tables]
