"""What an order holds and what becomes of it: lines, acceptance, shipping, delivery, cancellation; payments."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ops.simulate.catalogue import AFFINITIES, CATEGORIES, CATEGORY_NAMES, CATEGORY_OF_FAMILY, FAMILY_NAMES
from ops.simulate.demand import Demand
from ops.simulate.parties import Offers, Sellers
from ops.simulate.tools import (
    DAY,
    NAT,
    chance,
    flags,
    hours,
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

CANCELLERS = ("buyer", "seller", "platform")
_VAT = 0.2


@dataclass
class Lines:
    """Order lines by index, sorted by order; amounts are cents of the order's currency."""

    order: np.ndarray
    offer: np.ndarray
    seller: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    unit_price: np.ndarray
    seller_discount: np.ndarray
    platform_discount: np.ndarray
    shipping: np.ndarray
    commission: np.ndarray
    unit_cost: np.ndarray
    seller_order: np.ndarray
    badness: np.ndarray
    by_platform: np.ndarray
    accepted: np.ndarray
    refused: np.ndarray
    ship_by: np.ndarray
    shipped: np.ndarray
    promised: np.ndarray
    delivered: np.ndarray
    cancelled: np.ndarray
    cancelled_by: np.ndarray

    @property
    def size(self) -> int:
        """The number of lines."""
        return len(self.order)

    @property
    def value(self) -> np.ndarray:
        """Line value in cents: quantity x unit price - seller discount."""
        return self.quantity * self.unit_price - self.seller_discount

    @property
    def dead(self) -> np.ndarray:
        """Whether a line was refused or cancelled."""
        return ~np.isnat(self.refused) | ~np.isnat(self.cancelled)


def draw_offers(
    rng: np.random.Generator, at: np.ndarray, offers: Offers, sellers: Sellers, among: np.ndarray
) -> np.ndarray:
    """A live offer of a selling seller for every instant, by weight; offers live all the time stand in at last."""
    chosen = among[pick(rng, len(at), offers.weight[among])]
    for _ in range(8):
        bad = np.flatnonzero(~(offers.live(chosen, at) & sellers.may_sell(offers.seller[chosen], at)))
        if not len(bad):
            return chosen
        chosen[bad] = among[pick(rng, len(bad), offers.weight[among])]
    bad = np.flatnonzero(~(offers.live(chosen, at) & sellers.may_sell(offers.seller[chosen], at)))
    always = np.flatnonzero(offers.live_always)
    chosen[bad] = always[pick(rng, len(bad), offers.weight[always])]
    return chosen


def _choose_offers(
    world: World, demand: Demand, offers: Offers, sellers: Sellers, order: np.ndarray, rank: np.ndarray
) -> np.ndarray:
    """The offer of every line: free for the first line; later ones stay with its seller or follow an affinity."""
    rng = world.rng("order_lines.offer")
    at = demand.ordered[order]
    every = np.arange(len(offers.seller))
    chosen = draw_offers(rng, at, offers, sellers, every)
    # The stars of a category get a share of the orders in turn.
    rng_stars = world.rng("order_lines.stars")
    drawn = chance(rng_stars, len(order), sellers.star_share)
    to_stars = np.flatnonzero(drawn & (rank == 0) & (at >= sellers.star_from))
    to_stars = to_stars[np.argsort(at[to_stars], kind="stable")]
    for turn, star in enumerate(sellers.stars):
        own = to_stars[turn :: len(sellers.stars)]
        among = np.flatnonzero(offers.starred & (offers.seller == star))
        chosen[own] = draw_offers(rng_stars, at[own], offers, sellers, among)
    first = chosen[rank == 0]
    first_of_line = first[order]

    by_seller = np.argsort(offers.seller, kind="stable")
    start = np.searchsorted(offers.seller[by_seller], np.arange(sellers.size))
    count = np.bincount(offers.seller, minlength=sellers.size)
    main = offers.seller[first_of_line]
    neighbour = by_seller[start[main] + (rng.random(len(order)) * count[main]).astype("int64")]
    stays = (rank > 0) & chance(rng, len(order), 0.45) & offers.live(neighbour, at)
    chosen = np.where(stays, neighbour, chosen)

    first_family = offers.product_family[offers.product[first_of_line]]
    affinities = () if world.settings.plain else AFFINITIES
    for leader, follower, probability in affinities:
        among = np.flatnonzero(offers.product_family[offers.product] == FAMILY_NAMES.index(follower))
        follows = (rank > 0) & (first_family == FAMILY_NAMES.index(leader)) & chance(rng, len(order), probability)
        if len(among):
            chosen[follows] = draw_offers(rng, at[follows], offers, sellers, among)
    world.truth["affinities"] = [
        {"first_family": a, "second_family": b, "probability_of_a_further_line": p} for a, b, p in affinities
    ]
    return chosen


def _end_of_day(at: np.ndarray, days: np.ndarray | int) -> np.ndarray:
    """The last second of the UTC day some days after an instant."""
    return (at.astype("M8[D]") + np.asarray(days, "int64") + 1).astype("M8[s]") - np.timedelta64(1, "s")


def simulate_lines(world: World, demand: Demand, sellers: Sellers, offers: Offers) -> Lines:
    """All lines with their amounts and their fate; unpaid orders stop at the checkout."""
    rng = world.rng("order_lines")
    business = demand.business[demand.customer]
    width = 1 + pick(rng, demand.size, (0.66, 0.21, 0.09, 0.04)) + (business & chance(rng, demand.size, 0.3))
    order = np.repeat(np.arange(demand.size), width)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(width) - width, width)
    offer = _choose_offers(world, demand, offers, sellers, order, rank)
    seller, product = offers.seller[offer], offers.product[offer]
    size = len(order)
    day = demand.day[order]

    quantity = 1 + pick(rng, size, (0.84, 0.1, 0.04, 0.02)) + np.where(business[order], rng.integers(0, 6, size), 0)
    exchange = world.rate_between(offers.currency[offer], demand.currency[order], day, demand.codes)
    unit_price = np.maximum(1, np.round(offers.price[offer] * exchange)).astype("int64")
    gross = quantity * unit_price
    seller_discount = np.where(chance(rng, size, 0.13), np.round(gross * rng.uniform(0.05, 0.3, size)), 0).astype(
        "int64"
    )
    value = gross - seller_discount
    platform_discount = np.where(chance(rng, size, 0.06), np.round(value * rng.uniform(0.02, 0.08, size)), 0)
    category = np.asarray(CATEGORY_OF_FAMILY)[offers.product_family[product]]
    commission_rate = np.asarray([CATEGORIES[name][2] for name in CATEGORY_NAMES])[category]
    by_platform = sellers.platform_fulfilled[seller] & chance(rng, size, 0.8)

    _, seller_order = np.unique(order * sellers.size + seller, return_inverse=True)
    fate = _fate(world, demand, sellers, order, seller, seller_order, by_platform)
    shipping = np.where((value < 4000) & (rank == 0), rng.choice([390, 490, 590, 790], size), 0)
    return Lines(
        order=order,
        offer=offer,
        seller=seller,
        product=product,
        quantity=quantity,
        unit_price=unit_price,
        seller_discount=seller_discount,
        platform_discount=platform_discount.astype("int64"),
        shipping=shipping,
        commission=np.round(value * commission_rate).astype("int64"),
        unit_cost=np.where(by_platform, rng.integers(190, 380, size), rng.integers(20, 60, size)),
        seller_order=seller_order,
        by_platform=by_platform,
        **fate,
    )


def _fate(
    world: World,
    demand: Demand,
    sellers: Sellers,
    order: np.ndarray,
    seller: np.ndarray,
    seller_order: np.ndarray,
    by_platform: np.ndarray,
) -> dict[str, np.ndarray]:
    """When each line is accepted, refused, cancelled, shipped and delivered (all as if the span never ended)."""
    rng = world.rng("order_lines.fate")
    size, groups = len(order), int(seller_order.max()) + 1
    paid = demand.paid[order]
    badness = sellers.badness(seller, demand.ordered[order])

    # Acceptance and shipment are decided per seller order; some lines travel on their own.
    accept_delay = lognormal_hours(rng, groups, 5.0, 1.0)[seller_order]
    accept_delay = seconds(accept_delay.astype("int64") * (1 + 1.5 * badness))
    vacation = sellers.vacation_left(seller, paid)
    vacation = np.where(chance(rng, size, 0.6), vacation, np.timedelta64(0, "s"))
    accept_delay = np.where(by_platform, accept_delay // 4, accept_delay + vacation // 3)
    accept_at = paid + accept_delay
    never_answers = chance(rng, groups, 0.004)[seller_order]

    before = rng.random(size)
    refuses = before < 0.006 + 0.09 * badness
    cancels_before = ~refuses & (before > 0.981)
    after = rng.random(size)
    cancels_after = (after < 0.012 + 0.03 * badness) & ~refuses & ~cancels_before
    cancels_shipped = (after > 0.997) & ~refuses & ~cancels_before

    accepted = where(~refuses & ~cancels_before & ~never_answers, accept_at)
    refused = where(refuses & ~never_answers, accept_at)

    ship_days = np.where(by_platform, 1, np.where(chance(rng, groups, 0.7)[seller_order], 2, 3))
    ship_by = _end_of_day(paid, ship_days)
    ship_delay = lognormal_hours(rng, groups, 17.0, 0.65)[seller_order]
    ship_delay = seconds(ship_delay.astype("int64") * np.where(by_platform, 0.5, 1 + 2.2 * badness))
    ship_delay = np.where(by_platform, ship_delay, ship_delay + vacation // 3 * 2)
    apart = chance(rng, size, 0.06)
    shipped = accepted + ship_delay + np.where(apart, hours(rng.random(size) * 60), np.timedelta64(0, "s"))
    never_ships = chance(rng, groups, 0.002 + 0.02 * np.bincount(seller_order, badness) / np.bincount(seller_order))
    shipped = where(~cancels_after & ~never_ships[seller_order], shipped)

    transit = np.where(by_platform, 1.3, 2.4)
    promised = _end_of_day(paid, ship_days + np.where(by_platform, 2, 4))
    travel = seconds(rng.lognormal(0.0, 0.42, size) * transit * 86_400 * (1 + 0.35 * badness))
    lost = chance(rng, size, 0.006)
    delivered = where(~lost & ~cancels_shipped, shipped + travel)

    # A twentieth of the seconds until acceptance (or shipment) is enough for a change of mind.
    early = paid + seconds(accept_delay.astype("int64") * rng.uniform(0.05, 0.95, size))
    between = accepted + seconds(ship_delay.astype("int64") * rng.uniform(0.05, 0.95, size))
    underway = shipped + seconds(travel.astype("int64") * rng.uniform(0.1, 0.9, size))
    cancelled = np.where(cancels_before, early, np.where(cancels_after, between, NAT))
    cancelled = np.where(cancels_shipped, underway, cancelled)
    by_before = pick(rng, size, (0.62, 0.22, 0.16))
    by_after = pick(rng, size, (0.4, 0.45, 0.15))
    by_after = np.where(cancels_after & chance(rng, size, badness), 1, by_after)
    by_shipped = pick(rng, size, (0.5, 0.1, 0.4))
    cancelled_by = np.where(cancels_before, by_before, np.where(cancels_after, by_after, by_shipped))

    # Unpaid orders: a third is cancelled by the platform after three days.
    unpaid = np.isnat(paid)
    gives_up = unpaid & chance(rng, demand.size, 0.33)[order]
    cancelled = np.where(gives_up, demand.ordered[order] + 3 * DAY, cancelled)
    cancelled_by = np.where(gives_up, 2, cancelled_by)
    # A parcel or two is scanned as delivered without a shipment scan.
    unscanned = chance(rng, size, 0.004) & ~np.isnat(delivered)
    return {
        "badness": badness,
        "accepted": accepted,
        "refused": refused,
        "ship_by": ship_by,
        "shipped": where(~unscanned, shipped),
        "promised": promised,
        "delivered": delivered,
        "cancelled": cancelled,
        "cancelled_by": cancelled_by,
    }


def order_lines_table(world: World, demand: Demand, lines: Lines) -> pl.DataFrame:
    """One row per line; every optional column is missing now and then."""
    rng = world.rng("order_lines.table")
    size = lines.size
    tracked = ~chance(rng, size, 0.04 + 0.3 * lines.badness)
    return pl.DataFrame(
        {
            "order_line_id": ids("l", np.arange(size)),
            "order_id": ids("o", lines.order),
            "seller_id": ids("s", lines.seller, 5),
            "product_id": ids("p", lines.product, 6),
            "offer_id": ids("f", np.where(chance(rng, size, 0.12), -1, lines.offer), 6),
            "quantity": lines.quantity,
            "unit_price": money(lines.unit_price),
            "seller_discount": money(lines.seller_discount, (lines.seller_discount > 0) | chance(rng, size, 0.8)),
            "platform_discount": money(lines.platform_discount, (lines.platform_discount > 0) | chance(rng, size, 0.8)),
            "shipping_amount": money(lines.shipping, ~chance(rng, size, 0.02)),
            "tax_amount": money(np.round(lines.value * _VAT / (1 + _VAT)), ~chance(rng, size, 0.02)),
            "commission_amount": money(lines.commission, ~chance(rng, size, 0.005)),
            "unit_cost": money(lines.unit_cost, ~chance(rng, size, 0.02)),
            "accepted_at": instants(lines.accepted),
            "refused_at": instants(lines.refused),
            "ship_by_at": instants(lines.ship_by),
            "shipped_at": instants(lines.shipped),
            "promised_delivery_at": instants(lines.promised),
            "delivered_at": instants(lines.delivered),
            "cancelled_at": instants(lines.cancelled),
            "cancelled_by": words(CANCELLERS, np.where(np.isnat(lines.cancelled), -1, lines.cancelled_by)),
            "fulfilled_by": words(("seller", "platform"), np.where(chance(rng, size, 0.01), -1, lines.by_platform)),
            "tracking_valid": flags(tracked, ~np.isnat(lines.shipped) & ~chance(rng, size, 0.03)),
            "_created_at": instants(demand.ordered[lines.order]),
            "_paid_at": instants(demand.paid[lines.order]),
        }
    )


_METHODS = ("card", "paypal", "wallet", "instalments", "gift_card", "bank_transfer")
_FAILURES = (
    ("failed", "technical_error"),
    ("failed", "authentication_timeout"),
    ("refused", "insufficient_funds"),
    ("refused", "suspected_fraud"),
    ("abandoned", None),
)


def payments_table(world: World, demand: Demand, lines: Lines) -> pl.DataFrame:
    """One row per attempt, failed ones first; paid orders end with a success, a few with two that share the amount."""
    rng = world.rng("payments")
    size = demand.size
    paid = ~np.isnat(demand.paid)
    due = np.bincount(lines.order, lines.value + lines.shipping - lines.platform_discount, minlength=size)
    due = due.astype("int64")
    wait = np.where(paid, demand.paid - demand.ordered, np.timedelta64(7200, "s")).astype("int64")
    failures = np.where(
        paid, np.where(wait > 110, pick(rng, size, (0.25, 0.6, 0.15)), 0), pick(rng, size, (0.3, 0.5, 0.2))
    )
    failed = np.repeat(np.arange(size), failures)
    failed_at = demand.ordered[failed] + seconds(10 + rng.random(len(failed)) * np.maximum(wait[failed] - 20, 5))
    kind = pick(rng, len(failed), (0.25, 0.2, 0.25, 0.08, 0.22))

    split = paid & (due > 2000) & chance(rng, size, 0.025)
    part = np.where(split, np.round(due * rng.uniform(0.2, 0.5, size)), 0).astype("int64")
    succeeded = np.flatnonzero(paid)
    halves = np.flatnonzero(split)
    order = np.concatenate([failed, succeeded, halves])
    at = np.concatenate(
        [failed_at, demand.paid[succeeded] - np.timedelta64(3, "s"), demand.paid[halves] - np.timedelta64(8, "s")]
    )
    amount = np.concatenate([due[failed], (due - part)[succeeded], part[halves]])
    outcome = np.concatenate([kind, np.full(len(succeeded) + len(halves), -1)])
    success = outcome < 0
    late = np.where(paid, wait, 0)[order] > 6 * 3600
    method = np.where(late & success, 5, pick(rng, len(order), (0.58, 0.2, 0.12, 0.08, 0.02)))
    method[len(order) - len(halves) :] = 4
    fee = np.round(amount * 0.012 + 15).astype("int64")
    statuses = [status for status, _ in _FAILURES]
    payments = pl.DataFrame(
        {
            "_order": order,
            "attempted_at": instants(at),
            "status": words([*statuses, "succeeded"], np.where(success, len(statuses), outcome)),
            "method": words(_METHODS, np.where(chance(rng, len(order), 0.01), -1, method)),
            "amount": money(amount),
            "currency": words(demand.codes, demand.currency[order]),
            "fee_amount": money(fee, success & ~chance(rng, len(order), 0.01)),
            "failure_reason": words([reason for _, reason in _FAILURES], outcome),
            "order_id": ids("o", order),
        }
    ).sort("_order", "attempted_at", maintain_order=True)
    return payments.with_columns(ids("t", np.arange(payments.height)).alias("payment_id")).drop("_order")
