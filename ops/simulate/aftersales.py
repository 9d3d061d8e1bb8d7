"""What follows a delivery: returns, claims, refunds, reviews."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ops.simulate.catalogue import CATEGORIES, CATEGORY_NAMES, CATEGORY_OF_FAMILY
from ops.simulate.demand import Demand
from ops.simulate.lines import Lines
from ops.simulate.parties import Offers
from ops.simulate.tools import (
    DAY,
    chance,
    exponential_days,
    ids,
    instants,
    lognormal_hours,
    money,
    pick,
    seconds,
    where,
    words,
)
from ops.simulate.world import World


@dataclass
class AfterSales:
    """Returns and claims by index, each with its line."""

    return_line: np.ndarray
    return_at: np.ndarray
    return_received: np.ndarray
    return_quantity: np.ndarray
    claim_line: np.ndarray
    claim_at: np.ndarray
    claim_kind: np.ndarray
    claim_decided: np.ndarray
    claim_decision: np.ndarray


CLAIM_KINDS = ("incident", "a_to_z", "chargeback")
DECISIONS = ("buyer", "seller", "withdrawn")
_RETURN_REASONS = ("changed_mind", "wrong_size", "damaged", "not_as_described", "late", None)


def simulate_aftersales(world: World, demand: Demand, offers: Offers, lines: Lines) -> AfterSales:
    """Returns by category, within and beyond 30 days, some in two parts; claims on late, lost and poor lines."""
    rng = world.rng("returns")
    category = np.asarray(CATEGORY_OF_FAMILY)[offers.product_family[lines.product]]
    rate = np.asarray([CATEGORIES[name][1] for name in CATEGORY_NAMES])[category]
    delivered = ~np.isnat(lines.delivered)
    late = lines.delivered > lines.promised
    returned = np.flatnonzero(delivered & chance(rng, lines.size, rate + 0.05 * late + 0.06 * lines.badness))
    beyond = chance(rng, len(returned), 0.09)
    wait = np.where(
        beyond, 31 * DAY + exponential_days(rng, len(returned), 12.0), exponential_days(rng, len(returned), 8.0)
    )
    at = lines.delivered[returned] + seconds(3600) + wait
    quantity = rng.integers(1, lines.quantity[returned] + 1)
    # Who sends back a part sometimes sends back another one.
    again = np.flatnonzero((quantity < lines.quantity[returned]) & chance(rng, len(returned), 0.3))
    line = np.concatenate([returned, returned[again]])
    at = np.concatenate([at, at[again] + exponential_days(rng, len(again), 6.0)])
    quantity = np.concatenate([quantity, np.ones(len(again), "int64")])
    arrives = chance(rng, len(line), 0.93)
    received = where(arrives, at + exponential_days(rng, len(line), 3.0) + 2 * DAY)

    rng = world.rng("claims")
    accepted = ~np.isnat(lines.accepted)
    overdue = accepted & ~delivered & np.isnat(lines.cancelled)
    risk = np.where(overdue, 0.45, 0.012 + 0.05 * late + 0.09 * lines.badness)
    claimed = np.flatnonzero(accepted & chance(rng, lines.size, risk))
    base = np.where(np.isnat(lines.delivered[claimed]), lines.promised[claimed] + DAY, lines.delivered[claimed])
    opened = base + exponential_days(rng, len(claimed), 5.0) + seconds(1800)
    kind = pick(rng, len(claimed), (0.58, 0.3, 0.12))
    decided = where(chance(rng, len(claimed), 0.9), opened + exponential_days(rng, len(claimed), 7.0) + DAY)
    return AfterSales(
        return_line=line,
        return_at=at,
        return_received=received,
        return_quantity=quantity,
        claim_line=claimed,
        claim_at=opened,
        claim_kind=kind,
        claim_decided=decided,
        claim_decision=pick(rng, len(claimed), (0.52, 0.33, 0.15)),
    )


def returns_table(world: World, after: AfterSales) -> pl.DataFrame:
    """One row per return request."""
    rng = world.rng("returns.table")
    size = len(after.return_line)
    return pl.DataFrame(
        {
            "return_id": ids("r", np.arange(size)),
            "order_line_id": ids("l", after.return_line),
            "requested_at": instants(after.return_at),
            "received_at": instants(after.return_received),
            "quantity": after.return_quantity,
            "reason": words(_RETURN_REASONS, pick(rng, size, (0.35, 0.2, 0.15, 0.15, 0.08, 0.07))),
        }
    )


def claims_table(after: AfterSales) -> pl.DataFrame:
    """One row per claim."""
    size = len(after.claim_line)
    return pl.DataFrame(
        {
            "claim_id": ids("k", np.arange(size), 6),
            "order_line_id": ids("l", after.claim_line),
            "opened_at": instants(after.claim_at),
            "kind": words(CLAIM_KINDS, after.claim_kind),
            "decided_at": instants(after.claim_decided),
            "decision": words(DECISIONS, np.where(np.isnat(after.claim_decided), -1, after.claim_decision)),
        }
    )


def refunds_table(world: World, demand: Demand, lines: Lines, after: AfterSales) -> pl.DataFrame:
    """One row per refund: of cancelled and refused lines, of returns and claims, and gestures.

    Refunds include shipping now and then, so that a few are above the line value.
    """
    rng = world.rng("refunds")
    value, paid = lines.value, ~np.isnat(demand.paid[lines.order])

    ended = np.where(np.isnat(lines.cancelled), lines.refused, lines.cancelled)
    undone = np.flatnonzero(paid & ~np.isnat(ended) & chance(rng, lines.size, 0.97))
    undone_at = np.maximum(ended[undone], demand.paid[lines.order[undone]]) + lognormal_hours(
        rng, len(undone), 8.0, 0.9
    )

    back = np.flatnonzero(~np.isnat(after.return_received) & chance(rng, len(after.return_line), 0.95))
    back_line = after.return_line[back]
    share = after.return_quantity[back] / lines.quantity[back_line]
    back_at = after.return_received[back] + exponential_days(rng, len(back), 2.0)

    won = np.flatnonzero(
        ~np.isnat(after.claim_decided) & (after.claim_decision == 0) & chance(rng, len(after.claim_line), 0.92)
    )
    won_line = after.claim_line[won]
    won_at = after.claim_decided[won] + exponential_days(rng, len(won), 1.5)

    kind_gesture = ~np.isnat(lines.delivered) & chance(
        rng, lines.size, 0.006 + 0.05 * (lines.delivered > lines.promised)
    )
    gesture = np.flatnonzero(kind_gesture)
    gesture_at = lines.delivered[gesture] + exponential_days(rng, len(gesture), 4.0)

    line = np.concatenate([undone, back_line, won_line, gesture])
    at = np.concatenate([undone_at, back_at, won_at, gesture_at])
    reason = np.repeat(np.arange(4), [len(undone), len(back), len(won), len(gesture)])
    amount = np.concatenate(
        [
            value[undone] + lines.shipping[undone],
            np.round(value[back_line] * share),
            value[won_line] * np.where(chance(rng, len(won), 0.3), 0.5, 1.0),
            value[gesture] * rng.uniform(0.05, 0.25, len(gesture)),
        ]
    )
    generous = (reason > 0) & chance(rng, len(line), 0.05)
    amount = np.where(generous, value[line] * 1.1 + 990, amount)
    amount = np.round(amount).astype("int64")
    reversed_part = np.minimum(amount / np.maximum(value[line], 1), 1.0)
    commission = np.round(lines.commission[line] * reversed_part).astype("int64")
    refunds = pl.DataFrame(
        {
            "order_line_id": ids("l", line),
            "refunded_at": instants(at),
            "amount": money(amount),
            "currency": words(demand.codes, demand.currency[lines.order[line]]),
            "reason": words(
                ("cancellation", "return", "claim", "gesture"), np.where(chance(rng, len(line), 0.01), -1, reason)
            ),
            "commission_reversed": money(commission, (reason < 3) & ~chance(rng, len(line), 0.05)),
        }
    ).sort("refunded_at", "order_line_id", "amount", maintain_order=True)
    return refunds.with_columns(ids("b", np.arange(refunds.height)).alias("refund_id"))


_PRAISE = (
    "Très bien, je recommande",
    "Great seller",
    "Schnelle Lieferung",
    "Parfait",
    "Reçu vite,\nbien emballé",
    'Exactly "as described"',
)
_NEUTRAL = ("Correct, sans plus", "It is fine", "Ganz in Ordnung", "Emballage abîmé mais produit intact")
_ANGER = (
    "Livré en retard",
    "Never again",
    "Nicht wie beschrieben",
    "Article cassé, aucune réponse",
    "Poor quality",
    "Late again, call me: 0612345678",
    "Écrivez-moi à j.martin@example.net, merci",
)


def _comments(rng: np.random.Generator, rating: np.ndarray, share: float) -> pl.Series:
    """A short comment that fits the rating, for a share of the ratings."""
    texts = (*_ANGER, *_NEUTRAL, *_PRAISE)
    start = np.asarray([0, 0, len(_ANGER), len(_ANGER) + len(_NEUTRAL), len(_ANGER) + len(_NEUTRAL)])[rating - 1]
    length = np.asarray([len(_ANGER), len(_ANGER), len(_NEUTRAL), len(_PRAISE), len(_PRAISE)])[rating - 1]
    chosen = start + (rng.random(len(rating)) * length).astype("int64")
    return words(texts, np.where(chance(rng, len(rating), share), chosen, -1))


def reviews_table(world: World, demand: Demand, lines: Lines) -> pl.DataFrame:
    """One row per review: of a seller order's seller, or of a line's product; some without seller or customer."""
    rng = world.rng("reviews")
    late = lines.delivered > lines.promised
    mood = 4.95 - 2.2 * lines.badness - 1.2 * late + rng.normal(0.0, 0.75, lines.size)
    mood = np.where(lines.dead, mood - 2.2, mood)
    rating = np.clip(np.round(mood), 1, 5).astype("int64")
    when = np.where(np.isnat(lines.delivered), lines.cancelled, lines.delivered)
    when = np.where(np.isnat(when), lines.refused, when)
    paid = ~np.isnat(demand.paid[lines.order])

    _, first_line = np.unique(lines.seller_order, return_index=True)
    leading = np.zeros(lines.size, bool)
    leading[first_line] = True
    unhappy = rating <= 2
    of_seller = np.flatnonzero(leading & paid & ~np.isnat(when) & chance(rng, lines.size, 0.3 + 0.25 * unhappy))
    of_product = np.flatnonzero(paid & ~np.isnat(lines.delivered) & chance(rng, lines.size, 0.16))
    line = np.concatenate([of_seller, of_product])
    size = len(line)
    about_seller = np.arange(size) < len(of_seller)
    stars = np.where(about_seller, rating[line], np.clip(rating[line] + rng.integers(-1, 2, size), 1, 5))
    at = when[line] + exponential_days(rng, size, 5.0) + seconds(3600)
    named = np.where(about_seller, chance(rng, size, 0.88), chance(rng, size, 0.7))
    reviews = pl.DataFrame(
        {
            "order_id": ids("o", lines.order[line]),
            "seller_id": ids("s", np.where(named, lines.seller[line], -1), 5),
            "product_id": ids("p", np.where(about_seller & ~chance(rng, size, 0.25), -1, lines.product[line]), 6),
            "customer_id": ids("c", np.where(chance(rng, size, 0.05), -1, demand.customer[lines.order[line]])),
            "subject": words(("product", "seller"), np.where(chance(rng, size, 0.005), -1, about_seller)),
            "rating": stars,
            "comment": _comments(rng, stars, 0.35),
            "created_at": instants(at),
            "withdrawn_at": instants(where(chance(rng, size, 0.02), at + exponential_days(rng, size, 20.0) + DAY)),
        }
    ).sort("created_at", "order_id", "subject", maintain_order=True)
    return reviews.with_columns(ids("v", np.arange(reviews.height)).alias("review_id"))
