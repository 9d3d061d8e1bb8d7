"""Experiments on visitors, with effects that are planted and written down."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ops.simulate.tools import NAT, chance, ids, instants, words
from ops.simulate.web import BOT, ORDER, Sessions
from ops.simulate.world import World


@dataclass(frozen=True)
class Experiment:
    """Window as shares of the span (`last` None = still running), planned share of variant b, planted relative lift of
    its visitor conversion, and the share of visitors that are really sent to b."""

    name: str
    first: float
    last: float | None
    expected_share: float
    lift: float
    real_share: float


EXPERIMENTS = (
    Experiment("one_page_checkout", 0.28, 0.50, 0.5, 0.5, 0.5),
    Experiment("short_titles", 0.52, 0.62, 0.5, 0.0, 0.5),
    Experiment("badge_on_results", 0.64, 0.78, 0.5, 0.0, 0.57),
    Experiment("free_returns_banner", 0.88, None, 0.3, 0.15, 0.3),
)
_KPI = "conversion_rate_visitor"


def _window(world: World, experiment: Experiment) -> tuple[np.datetime64, np.datetime64]:
    """Start and end (NaT = still running), at 06:00 UTC."""
    first = world.instant(int(experiment.first * world.days), 6.0)
    return first, NAT if experiment.last is None else world.instant(int(experiment.last * world.days), 6.0)


def experiments_table(world: World) -> pl.DataFrame:
    """One row per experiment and variant."""
    rows = []
    for experiment in EXPERIMENTS:
        first, last = _window(world, experiment)
        for variant, share in (("a", 1 - experiment.expected_share), ("b", experiment.expected_share)):
            rows.append((experiment.name, variant, variant == "a", share, first, last))
    return pl.DataFrame(
        {
            "experiment": [r[0] for r in rows],
            "variant": [r[1] for r in rows],
            "is_control": [r[2] for r in rows],
            "expected_share": [r[3] for r in rows],
            "started_at": instants(np.asarray([r[4] for r in rows], dtype="M8[s]")),
            "ended_at": instants(np.asarray([r[5] for r in rows], dtype="M8[s]")),
            "kpi_id": [_KPI] * len(rows),
        }
    )


def assignments_table(world: World, sessions: Sessions) -> pl.DataFrame:
    """One row per experiment and visitor that came in its window, assigned at its first session of the window.

    Sales do not depend on experiments here; instead buyers are sent to b more often than other visitors, such that b
    converts `lift` better and the real share of b is as planned. The share of the buyers is exact: of a few hundred,
    chance alone could hide the lift. In a plain market a coin sends each visitor, whoever it is.
    """
    parts = []
    planted = []
    for experiment in EXPERIMENTS:
        rng = world.rng(f"experiments.{experiment.name}")
        first, last = _window(world, experiment)
        end = world.cutoff if np.isnat(last) else last
        inside = np.flatnonzero((sessions.kind != BOT) & (sessions.start >= first) & (sessions.start < end))
        visitors, opening, who = np.unique(sessions.visitor[inside], return_index=True, return_inverse=True)
        buyer = np.zeros(len(visitors), bool)
        buyer[who[sessions.kind[inside] == ORDER]] = True
        share, lift = experiment.real_share, experiment.lift
        if world.settings.plain:
            share, lift = experiment.expected_share, 0.0
        of_buyers = share * (1 + lift) / (1 + share * lift)
        others = max(0.0, (share * len(visitors) - of_buyers * buyer.sum()) / max(1, len(visitors) - buyer.sum()))
        in_b = chance(rng, len(visitors), others)
        if not world.settings.plain:
            buyers = rng.permutation(np.flatnonzero(buyer))
            in_b[buyers] = np.arange(len(buyers)) < round(of_buyers * len(buyers))
        parts.append(
            pl.DataFrame(
                {
                    "experiment": pl.repeat(experiment.name, len(visitors), eager=True),
                    "visitor_id": ids("u", visitors),
                    "variant": words(("a", "b"), in_b),
                    "assigned_at": instants(sessions.start[inside][opening]),
                }
            )
        )
        planted.append(
            {
                "experiment": experiment.name,
                "planted_relative_lift": lift,
                "expected_share_b": experiment.expected_share,
                "is_split_broken": share != experiment.expected_share,
                "real_share_b": share,
                "visitors": {"a": int((~in_b).sum()), "b": int(in_b.sum())},
                "visitors_with_an_order_session": {"a": int((buyer & ~in_b).sum()), "b": int((buyer & in_b).sum())},
            }
        )
    world.truth["experiments"] = planted
    return pl.concat(parts)
