"""Support tickets and surveys."""

import numpy as np
import polars as pl

from ops.simulate.demand import Demand
from ops.simulate.lines import Lines
from ops.simulate.parties import Sellers
from ops.simulate.tools import (
    DAY,
    chance,
    counts,
    exponential_days,
    flags,
    ids,
    instants,
    lognormal_hours,
    pick,
    seconds,
    where,
    words,
)
from ops.simulate.world import World, trend_pick

TOPICS = ("delivery", "return", "payment", "product", "account", "invoice")


def support_tickets_table(world: World, demand: Demand, lines: Lines, sellers: Sellers) -> pl.DataFrame:
    """One row per ticket: buyers about orders (to the operator or the seller), visitors without one, sellers, spam."""
    rng = world.rng("support_tickets")
    late = lines.delivered > lines.promised
    about = np.flatnonzero(chance(rng, lines.size, 0.075 + 0.2 * late + 0.12 * lines.badness))
    general = round(0.03 * demand.size) + 5
    of_sellers = round(0.02 * demand.size) + 5
    size = len(about) + general + of_sellers
    kind = np.repeat(np.arange(3), [len(about), general, of_sellers])
    line = np.concatenate([about, np.full(general + of_sellers, 0)])
    order = np.where(kind == 0, lines.order[line], -1)

    opened = demand.ordered[lines.order[line]] + exponential_days(rng, size, 5.0) + seconds(1800)
    anytime = world.instant(trend_pick(world, rng, size)) + seconds(rng.integers(0, 86_400, size))
    opened = np.where(kind == 0, opened, anytime)
    to_seller = (kind == 0) & chance(rng, size, 0.48)
    seller = np.where(kind == 0, lines.seller[line], pick(rng, size, sellers.weight))
    # Operators are slower at weekends, sellers when they work badly.
    weekend = ((opened.astype("M8[D]").astype("int64") + 3) % 7) >= 5
    badness = sellers.badness(seller, opened)
    median = np.where(to_seller, 6.0 + 30.0 * badness, np.where(weekend, 16.0, 4.5))
    answered_at = opened + lognormal_hours(rng, size, median, 0.95) + seconds(60)
    spam = chance(rng, size, np.where(kind == 1, 0.2, 0.02))
    answered = chance(rng, size, np.where(to_seller, 0.95 - 0.25 * badness, 0.96)) & ~spam
    first = where(answered, answered_at)
    resolved = where(chance(rng, size, 0.9), first + lognormal_hours(rng, size, 20.0, 1.2))
    # Some are closed without an answer, as a rule spam.
    resolved = np.where(~answered & chance(rng, size, 0.4), opened + lognormal_hours(rng, size, 30.0, 0.6), resolved)
    reopened = where(chance(rng, size, 0.07), resolved + exponential_days(rng, size, 4.0))
    by_seller = kind == 2
    anonymous = (kind == 1) & chance(rng, size, 0.5)
    customer = np.where(kind == 0, demand.customer[lines.order[line]], rng.integers(0, demand.customer.max() + 1, size))
    customer_known = ~by_seller & ~anonymous & (demand.customer_created[customer] <= opened)
    needs = ~chance(rng, size, np.where(to_seller, 0.1, 0.04))
    tickets = pl.DataFrame(
        {
            "opened_at": instants(opened),
            "requester": words(("buyer", "seller"), by_seller),
            "handled_by": words(("operator", "seller"), to_seller),
            "customer_id": ids("c", np.where(customer_known, customer, -1)),
            "seller_id": ids(
                "s", np.where(to_seller | by_seller | ((kind == 0) & chance(rng, size, 0.5)), seller, -1), 5
            ),
            "order_id": ids("o", np.where(chance(rng, size, 0.08), -1, order)),
            "topic": words(TOPICS, np.where(chance(rng, size, 0.03), -1, pick(rng, size, (34, 20, 12, 20, 8, 6)))),
            "first_response_at": instants(first),
            "resolved_at": instants(resolved),
            "reopened_at": instants(reopened),
            "is_spam": flags(spam, spam | ~chance(rng, size, 0.1)),
            "needs_response": flags(needs, ~needs | ~chance(rng, size, 0.15)),
        }
    ).sort("opened_at", "requester", "order_id", "customer_id", nulls_last=True, maintain_order=True)
    return tickets.with_columns(ids("q", np.arange(tickets.height), 6).alias("ticket_id"))


def _invitations(
    rng: np.random.Generator,
    survey: str,
    wave: str,
    sent: np.ndarray,
    mood: np.ndarray,
    response: float,
    customer: np.ndarray | None = None,
    seller: np.ndarray | None = None,
    order: np.ndarray | None = None,
) -> pl.DataFrame:
    """Invitations of one survey and wave; `mood` is the expected score on 1..5 (nps: mapped to 0..10)."""
    size = len(sent)
    none = np.full(size, -1)
    if survey == "nps":
        score = np.clip(np.round(2.4 * mood - 2.0 + rng.normal(0.0, 1.6, size)), 0, 10)
    else:
        score = np.clip(np.round(mood + rng.normal(0.0, 0.8, size)), 1, 5)
    delivered = chance(rng, size, 0.96)
    replied = chance(rng, size, response) & (delivered | chance(rng, size, 0.05))
    answered = where(replied, sent + exponential_days(rng, size, 2.0) + seconds(300))
    scored = replied & ~chance(rng, size, 0.01)
    remarks = ("Merci", "Zu teuer", "Delivery was slow", "Très bonne sélection", "Nothing to add")
    return pl.DataFrame(
        {
            "survey": pl.repeat(survey, size, eager=True),
            "wave": pl.repeat(wave, size, eager=True),
            "respondent": pl.repeat("buyer" if seller is None else "seller", size, eager=True),
            "customer_id": ids("c", none if customer is None else customer),
            "seller_id": ids("s", none if seller is None else seller, 5),
            "order_id": ids("o", none if order is None else order),
            "sent_at": instants(sent),
            "is_delivered": flags(delivered, ~delivered | ~chance(rng, size, 0.1)),
            "answered_at": instants(answered),
            "score": counts(score, scored),
            "comment": words(
                remarks, np.where(scored & chance(rng, size, 0.15), rng.integers(0, len(remarks), size), -1)
            ),
        }
    )


def survey_invitations_table(world: World, demand: Demand, lines: Lines, sellers: Sellers) -> pl.DataFrame:
    """One row per invitation: csat right after delivery (hot) and a month later (cold) for the same orders, ces after
    delivery, nps, relationship and value fit of buyers at times of their own; nps, csat and relationship of sellers."""
    rng = world.rng("survey_invitations")
    _, last_line = np.unique(lines.order[::-1], return_index=True)
    last_line = lines.size - 1 - last_line
    late = lines.delivered > lines.promised
    mood = 4.7 - 2.0 * lines.badness - 1.1 * late
    parts = []

    asked = last_line[~np.isnat(lines.delivered[last_line]) & chance(rng, len(last_line), 0.42)]
    who, which = demand.customer[lines.order[asked]], lines.order[asked]
    hot_sent = lines.delivered[asked] + seconds(rng.integers(1800, 9000, len(asked)))
    taste = mood[asked] + rng.normal(0.0, 0.5, len(asked))
    parts.append(_invitations(rng, "csat", "hot", hot_sent, taste, 0.42, who, order=which))
    cold = chance(rng, len(asked), 0.75)
    cold_sent = hot_sent[cold] + 30 * DAY + seconds(rng.integers(0, 86_400, int(cold.sum())))
    parts.append(_invitations(rng, "csat", "cold", cold_sent, taste[cold] - 0.25, 0.4, who[cold], order=which[cold]))
    # A reminder is a second invitation for the same order and wave.
    again = chance(rng, len(asked), 0.04)
    reminder = hot_sent[again] + 3 * DAY
    parts.append(_invitations(rng, "csat", "hot", reminder, taste[again], 0.5, who[again], order=which[again]))
    effort = chance(rng, len(asked), 0.25)
    parts.append(
        _invitations(rng, "ces", "hot", hot_sent[effort], taste[effort], 0.3, who[effort], order=which[effort])
    )

    for survey, wave, share, response, shift in (
        ("nps", "cold", 0.2, 0.4, 0.1),
        ("nps", "hot", 0.05, 0.4, 0.2),
        ("relationship", "cold", 0.08, 0.4, 0.0),
        ("value_fit", "cold", 0.07, 0.4, -0.2),
    ):
        chosen = last_line[~np.isnat(lines.accepted[last_line]) & chance(rng, len(last_line), share)]
        wait = 20.0 if wave == "cold" else 2.0
        sent = demand.ordered[lines.order[chosen]] + exponential_days(rng, len(chosen), wait) + 2 * DAY
        parts.append(
            _invitations(rng, survey, wave, sent, mood[chosen] + shift, response, demand.customer[lines.order[chosen]])
        )

    quarters = np.arange(45, world.days, 91)
    sent_day, seller = (a.ravel() for a in np.meshgrid(quarters, np.arange(sellers.size), indexing="ij"))
    for survey, response, shift in (("nps", 0.4, -0.2), ("csat", 0.2, 0.1), ("relationship", 0.15, 0.0)):
        sent = world.instant(sent_day, 9.0) + seconds(rng.integers(0, 6 * 86_400, len(sent_day)))
        selling = sellers.may_sell(seller, sent)
        feeling = 4.3 + shift - 0.8 * sellers.badness(seller[selling], sent[selling])
        parts.append(_invitations(rng, survey, "cold", sent[selling], feeling, response, seller=seller[selling]))
    invitations = pl.concat(parts).sort(
        "sent_at", "survey", "wave", "customer_id", "seller_id", nulls_last=True, maintain_order=True
    )
    return invitations.with_columns(ids("i", np.arange(invitations.height)).alias("invitation_id"))
