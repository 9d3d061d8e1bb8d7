"""How far sessions come."""

from __future__ import annotations

import polars as pl

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.measure import ALL, KEYS, measure
from python_checks.recompute.periods import GRAINS
from python_checks.recompute.world import World

STEPS = {1: ("session", None), 2: ("product_view", "product_view"), 3: ("cart", "add_to_cart"),
         4: ("checkout", "begin_checkout"), 5: ("purchase", "purchase")}
CART = 3
LEAST_SESSIONS = 20
DIMENSIONS = ["channel", "device", "country"]


def steps_there(world: World) -> list[int]:
    """The numbers of the steps whose kind of event was delivered."""
    return [number for number, (_, event) in STEPS.items() if event is None or world.has(f"events:{event}")]


def furthest_step(world: World) -> pl.Series:
    """The number of the last step of each session, in the order of the sessions."""
    furthest = pl.repeat(1, len(world.sessions), dtype=pl.Int8, eager=True)
    checkouts, purchases = world.sessions["has_checkout"], world.sessions["has_purchase"]
    for number, event in ((2, "product_view"), (3, "add_to_cart")):
        furthest = furthest.scatter(world._web.kinds[event]["session"].unique(), number)
    furthest = furthest.set(checkouts.fill_null(False), 4)
    return furthest.set(purchases.fill_null(False), 5)


def funnel_table(world: World) -> pl.DataFrame:
    """funnel_steps."""
    numbers = steps_there(world)
    sessions = world.sessions.select("day", *DIMENSIONS).with_columns(furthest=furthest_step(world))
    counts = {str(number): (pl.col("furthest") >= number).sum() for number in numbers}
    wide = measure(world.calendar, sessions, "day", DIMENSIONS, **counts).filter(pl.col("period_grain") != "day")
    covered = world.coverage.periods(KPIS["sessions"]).filter(
        pl.col("is_covered") & (pl.col("period_grain") != "day"))
    overall = covered.select(*KEYS[:2], dimension=pl.lit(ALL), dimension_value=pl.lit(ALL))
    wide = pl.concat([
        overall.join(wide, on=KEYS, how="left").with_columns(pl.exclude(KEYS).fill_null(0)),
        wide.filter(pl.col("dimension") != ALL).join(covered, on=KEYS[:2], how="semi")])
    parts = []
    for number, before in zip(numbers, [None, *numbers], strict=False):
        previous = pl.lit(None, pl.Int64) if before is None else pl.col(str(before))
        parts.append(wide.select(
            *KEYS, step_no=pl.lit(number, pl.Int64), step=pl.lit(STEPS[number][0]), sessions=pl.col(str(number)),
            first=pl.col(str(numbers[0])), previous=previous))
    rows = pl.concat(parts).with_columns(
        share_of_previous=pl.when(pl.col("previous") > 0).then(pl.col("sessions") / pl.col("previous")),
        share_of_first=pl.when(pl.col("first") > 0).then(pl.col("sessions") / pl.col("first")),
        lost=pl.col("previous") - pl.col("sessions"))
    # what a period shows to the one after it
    after = pl.concat(
        rows.filter(pl.col("period_grain") == grain).select(
            "period_grain", pl.col("period_start").dt.offset_by(length), *KEYS[2:], "step_no",
            share_of_previous_before="share_of_previous", previous_before="previous",
            is_whole=pl.col("period_start") >= world.calendar.first_day)
        for grain, length in GRAINS.items() if grain != "day")
    rows = rows.join(after, on=[*KEYS, "step_no"], how="left").with_columns(
        fall=pl.when(
            (pl.col("step_no") >= CART) & pl.col("is_whole")
            & (pl.min_horizontal("previous", "previous_before") >= LEAST_SESSIONS)
        ).then(pl.col("share_of_previous") - pl.col("share_of_previous_before")))
    rows = rows.with_columns(pl.when(pl.col("fall") < 0).then("fall"))
    worst = rows.filter(pl.col("fall").is_not_null()).sort("fall", "step_no").unique(
        KEYS, keep="first", maintain_order=True).select(*KEYS, "step_no", biggest_loss=pl.lit(True))
    return rows.join(worst, on=[*KEYS, "step_no"], how="left").select(
        *KEYS, "step_no", "step", "sessions", "share_of_previous", "share_of_first", "lost",
        "share_of_previous_before", pl.col("biggest_loss").fill_null(False))
