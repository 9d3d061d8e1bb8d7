"""Sellers whose story is told on purpose: six that fill one category, and those that every step of the ladder needs."""

import numpy as np

from ops.simulate.parties import Sellers
from ops.simulate.tools import NAT
from ops.simulate.world import World

CATEGORY = "kitchen"
# Orders a month that each of the six sellers of the category gets on top of its own, at the end of the span.
_MONTHLY = 31
_STAR_DAYS = 130
_LONG_ENOUGH = 365

# story, badness before and after, days before the last day: change, account events; the step it should lead to
_WARNED_TWICE = {"warned": 125, "action_plan": 118, "warned_again": 70, "plan_again": 62}
_STORIES = (
    ("late_unwarned", 0.03, 0.80, 45, {}, "warn"),
    ("late_after_a_warning", 0.03, 0.80, 95, {"warned": 62, "action_plan": 55}, "warn_again"),
    ("late_after_two_warnings", 0.03, 0.80, 150, _WARNED_TWICE, "suspend"),
    ("near_a_limit", 0.04, 0.04, None, {}, None),
    ("good", 0.0, 0.0, None, {}, None),
    ("good", 0.0, 0.0, None, {}, None),
    (
        "suspended_without_a_plan", 0.6, 0.6, None,
        {"warned": 160, "action_plan": 150, "warned_again": 90, "suspended": 20}, "wait",
    ),
    (
        "suspended_with_a_plan", 0.6, 0.6, None,
        {"warned": 150, "action_plan": 140, "warned_again": 100, "suspended": 45, "plan_again": 9}, "reinstate",
    ),
    ("back_under_another_name", 0.05, 0.05, None, {}, None),
)  # fmt: skip
STARS = 6
_TWIN_OF = 6


def tell_stories(world: World, sellers: Sellers) -> None:
    """Turn ordinary sellers that were always there into those of the stories, where the market is large enough.

    The first six are the stars of `CATEGORY`: in the last months part of the demand goes to them (`star_share`).
    """
    world.truth["seller_stories"] = []
    ordinary = np.flatnonzero(sellers.core & np.isnat(sellers.change_at))
    if world.settings.plain or world.days < _LONG_ENOUGH or len(ordinary) < 2 * len(_STORIES):
        return
    # The smaller ones: a story is not the market's.
    chosen = ordinary[np.argsort(sellers.weight[ordinary], kind="stable")][: len(_STORIES)]
    for number, (story, before, after, change, events, step) in zip(chosen, _STORIES, strict=True):
        sellers.bad[number], sellers.bad_change[number] = before, after - before
        sellers.platform_fulfilled[number] = False
        sellers.vacation_from[number] = sellers.vacation_to[number] = NAT
        sellers.in_story[number] = True
        if change:
            sellers.change_at[number] = world.instant(world.days - 1 - change, 0.0)
            sellers.change_days[number] = 14
        for event, days in events.items():
            getattr(sellers, event)[number] = world.instant(world.days - 1 - days, 9.0)
        told = {
            "seller_id": f"s{number:05d}",
            "story": story,
            "category": CATEGORY if len(world.truth["seller_stories"]) < STARS else None,
            "proposed_step": step,
            "events": [
                {
                    "status": {"warned_again": "warned", "plan_again": "action_plan"}.get(event, event),
                    "date": str((world.instant(world.days - 1 - days)).astype("M8[D]")),
                }
                for event, days in events.items()
            ],
        }
        if change:
            told |= {"late_from": str(sellers.change_at[number].astype("M8[D]")), "over_days": 14}
        world.truth["seller_stories"].append(told)
    sellers.twin_of[chosen[-1]] = chosen[_TWIN_OF]
    world.truth["seller_stories"][-1]["shares_identity_with"] = f"s{chosen[_TWIN_OF]:05d}"

    sellers.stars = chosen[:STARS]
    sellers.star_from = world.instant(world.days - _STAR_DAYS)
    weights = world.day_weights.sum(axis=1)
    monthly = world.settings.orders * weights[-30:].sum() / weights.sum()
    sellers.star_share = min(0.4, STARS * _MONTHLY / monthly)
    world.truth["category_of_six"] = {
        "category": CATEGORY,
        "sellers": [f"s{number:05d}" for number in sellers.stars],
        "from": str(sellers.star_from.astype("M8[D]")),
        "seller_orders_a_month": 20,
    }
