"""The verdicts on the decisions' tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from python_checks.decisions import advice, inputs
from python_checks.decisions.calendar import special_days
from python_checks.decisions.compare import compare_table
from python_checks.decisions.correlations import kpi_correlations
from python_checks.decisions.definitions import Definition, definitions
from python_checks.decisions.forecasts import kpi_forecasts
from python_checks.decisions.scorecard import kpi_month, kpi_scorecard
from python_checks.decisions.signals import kpi_anomalies, kpi_trends
from python_checks.decisions.text import is_written, ways_to_write
from python_checks.decisions.values import ROW_KEY, Values
from python_checks.decisions.why import gmv_bridge, kpi_drivers
from python_checks.recompute.compare import CompareError, Published, Verdict
from python_checks.recompute.world import World

ROWS_OF_MONTH = ["kpi_id", "period_start", "dimension", "dimension_value"]
DRIVER_GROUP = ["kpi_id", "period_grain", "compared_with", "dimension"]
DRIVER_KEY = [*DRIVER_GROUP, "dimension_value"]
BENCHMARK = ["benchmark_id", "kpi_id", "market", "operator", "value", "source", "is_reference"]
TARGET = {
    "kpi_id": pl.String, "period_grain": pl.String, "dimension": pl.String, "dimension_value": pl.String,
    "valid_from": pl.Date, "valid_to": pl.Date, **dict.fromkeys(inputs.LEVELS, pl.Float64), "min_volume": pl.Int64,
    "set_by": pl.String, "reason": pl.String,
}


def known_kpis(published: Published) -> dict[str, Definition]:
    """The definitions of the published KPIs. Raises CompareError when there is no dim_kpi."""
    dim_kpi = published.table("dim_kpi")
    if dim_kpi is None:
        raise CompareError(f"{published.database}: no table dim_kpi")
    return definitions(dim_kpi)


def collect(world: World, published: Published) -> Values:
    """An empty collection that will keep what the decisions need: `add` to it the rows of each family."""
    targets = inputs.targets(world.extracts.deliveries("kpi_targets"), known_kpis(published))
    segments = {(kpi_id, dimension, value) for kpi_id, _, dimension, value in targets.groups()}
    actions = world.extracts["action_log"].select("kpi_id", "dimension", "dimension_value").drop_nulls()
    return Values(world.calendar, segments | set(actions.iter_rows()))


def check_decisions(
    world: World, values: Values, published: Published, seeds: Path = inputs.SEEDS, country: str | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> list[Verdict]:
    """A verdict on each table of the decisions.

    `values` holds the recomputed rows of every KPI the recomputation knows; those of others (composed of their terms)
    are taken as published. `country` is the variable calendar_country where it is set.
    """
    return list(_verdicts(world, values, published, seeds, country, progress))


def _verdicts(
    world: World, values: Values, published: Published, seeds: Path, country: str | None,
    progress: Callable[[str], None],
) -> Iterator[Verdict]:
    kpis = known_kpis(published)
    others = set(kpis) - set(values.frame["kpi_id"].unique())
    if others:
        values.add(published.rows(sorted(others)))

    def verdict(name: str, expected: pl.DataFrame, key: list[str], **how: object) -> Verdict:
        progress(f"comparing {name}")
        return compare_table(name, expected, published.table(name), key, **how)

    yield _flags(published, kpis)
    targets = inputs.targets(world.extracts.deliveries("kpi_targets"), kpis)
    rows = [[getattr(row, name) for name in TARGET] for row in targets.rows]
    yield verdict("kpi_targets", pl.DataFrame(rows, schema=TARGET, orient="row"), list(inputs.TARGET_KEY))

    benchmarks = inputs.benchmarks(seeds)
    reference = inputs.reference(benchmarks)
    yield verdict("kpi_benchmarks", benchmarks.select(BENCHMARK), ["benchmark_id"])

    yield verdict(
        "kpi_month", kpi_month(values, kpis), ROWS_OF_MONTH,
        judged={"value_text": (["value_text", "value_here", "format_here"], is_written)})

    events = inputs.calendar_events(world.extracts["calendar_events"], seeds)
    special = special_days(events, country or inputs.home_country(world))
    anomalies = kpi_anomalies(values, kpis, special)
    yield verdict("kpi_anomalies", anomalies, ["kpi_id", "period_start"])
    trends = kpi_trends(values, kpis, targets)
    yield verdict("kpi_trends", trends, ["kpi_id", "period_grain"], chances=("p_value",))

    scorecard = kpi_scorecard(values, kpis, targets, reference, trends, anomalies)
    yield verdict("kpi_scorecard", scorecard, ROW_KEY)
    yield verdict("swot", advice.swot(scorecard, trends, kpis), ["kpi_id"], judged={
        "evidence": (["evidence", "kpi_id"], _evidence(advice.evidence_of(scorecard)))})
    del anomalies

    yield verdict("kpi_drivers", kpi_drivers(values, kpis), DRIVER_KEY, judged={
        "contribution_rank": (["contribution_rank", *DRIVER_KEY], _ranked(published.table("kpi_drivers")))})
    yield verdict("gmv_bridge", gmv_bridge(values, world), [
        "bridge", "period_grain", "period_start", "compared_with", "component"])
    yield verdict("kpi_forecasts", kpi_forecasts(values, kpis, targets), ["kpi_id", "period_start"])
    yield verdict(
        "balance_advice", advice.balance_advice(values, targets), ["period_start", "dimension", "dimension_value"])

    yield verdict("decision_log", advice.decision_log(world.extracts["action_log"], values, kpis), ["action_id"])
    yield verdict(
        "kpi_correlations", kpi_correlations(values, kpis), ["first_kpi_id", "second_kpi_id"], chances=("p_value",))


def _flags(published: Published, kpis: dict[str, Definition]) -> Verdict:
    """Whether dim_kpi says of each KPI that it adds up where it does."""
    rows = [(kpi.kpi_id, kpi.is_additive) for kpi in kpis.values()]
    expected = pl.DataFrame(rows, schema={"kpi_id": pl.String, "is_additive": pl.Boolean}, orient="row")
    return compare_table("dim_kpi", expected, published.table("dim_kpi"), ["kpi_id"])


def _ranked(drivers: pl.DataFrame | None) -> Callable[..., bool]:
    """Whether a rank is that of the contribution as published: those that a rounding tells apart keep an order."""
    ranks = {}
    if drivers is not None and {*DRIVER_KEY, "contribution"} <= set(drivers.columns):
        ordered = drivers.with_columns(size=pl.col("contribution").cast(pl.Float64).abs()).sort(
            *DRIVER_GROUP, "size", "dimension_value", descending=[False] * len(DRIVER_GROUP) + [True, False])
        ordered = ordered.with_columns(rank=pl.int_range(1, pl.len() + 1).over(DRIVER_GROUP))
        ranks = {tuple(row[:-1]): row[-1] for row in ordered.select(*DRIVER_KEY, "rank").iter_rows()}
    return lambda rank, *key: rank == ranks.get(tuple(key))


def _evidence(rows: dict[str, dict]) -> Callable[[str | None, str], bool]:
    """Whether a sentence names the KPI, the month, value, target, trend and the benchmark's source, as far as there are
    any."""

    def is_right(text: str | None, kpi_id: str) -> bool:
        told = rows.get(kpi_id)
        if not text or told is None:
            return False
        names = [told[name] is None or any(
            way in text for way in ways_to_write(told[name], told["format"])) for name in ("value", "target")]
        names.append(told["label_en"] in text and f"{told['period_start']:%Y-%m}" in text)
        names.append(told["target"] is None or told["status"] in text)
        names.append(told["trend"] in (None, "unknown") or told["trend"] in text)
        names.append(told["benchmark_position"] is None or told["benchmark_source"] in text)
        return all(names)

    return is_right
