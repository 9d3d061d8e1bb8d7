"""The health of sellers, read off the scorecard."""

from __future__ import annotations

import datetime as dt

import polars as pl

from python_checks.recompute.world import World
from python_checks.sellers.evaluation import DEFAULT
from python_checks.sellers.things import JUDGED, away_at

POINTS = {"ok": 100, "alert": 50, "limit": 0}


def closed_on(world: World, days: list[dt.date]) -> pl.DataFrame:
    """seller_id and evaluated_on where the last of a seller's closures and reinstatements by the day's end is a
    closure; of two at one instant the one of the lower key is the later."""
    events = (
        world.tables["seller_status_events"]
        .filter(pl.col("status").is_in(["closed", "reinstated"]))
        .with_columns(day=world.calendar.day("occurred_at"))
        .sort("event_id", descending=True).sort("occurred_at", maintain_order=True))
    parts = [
        events.filter(pl.col("day") <= day).group_by("seller_id", maintain_order=True).agg(pl.last("status"))
        .filter(pl.col("status") == "closed").select("seller_id", evaluated_on=pl.lit(day)) for day in days]
    return pl.concat(parts)


def health_table(world: World, scorecard: pl.DataFrame, days: list[dt.date], policies: dict[str, str]) -> pl.DataFrame:
    """seller_health: the sellers validated and not closed on each day."""
    evaluations = pl.DataFrame({"evaluated_on": days}, {"evaluated_on": pl.Date})
    sellers = world.sellers.select("seller_id", "joined_day").join(evaluations, how="cross").filter(
        pl.col("joined_day") <= pl.col("evaluated_on"))
    keys = ["seller_id", "evaluated_on"]
    sellers = sellers.join(closed_on(world, days), on=keys, how="anti").select(keys)

    group = {kpi_id: judged.group for kpi_id, judged in JUDGED.items()}
    judged = scorecard.filter(pl.col("status").is_in(list(POINTS))).with_columns(
        points=pl.col("status").replace_strict(POINTS, return_dtype=pl.Int64),
        group=pl.col("kpi_id").replace_strict(group, return_dtype=pl.String))
    score = judged.group_by(*keys, "group").agg(pl.min("points")).group_by(keys).agg(score=pl.mean("points"))
    worst = judged.sort("points", "kpi_id").group_by(keys, maintain_order=True).agg(
        pl.first("points"), worst_kpi=pl.first("kpi_id"))
    health = sellers.join(score, on=keys, how="left").join(worst, on=keys, how="left").with_columns(
        worst_kpi=pl.when(pl.col("points") < 100).then("worst_kpi"),
        # equal scores are equal to the last bit of a sixth: thirds and quarters of 50 and 100
        twelfths=(pl.col("score") * 12).round(),
        policy=pl.col("seller_id").replace_strict(policies, default=DEFAULT, return_dtype=pl.String))
    return health.with_columns(
        rank=pl.col("twelfths").rank("min", descending=True).over("evaluated_on").cast(pl.Int64),
        on_vacation=away_at(health, "evaluated_on", world),
    ).select(*keys, "score", "rank", "worst_kpi", "policy", "on_vacation")
