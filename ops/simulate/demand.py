"""Who orders when, from where and how: customers and orders."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ops.simulate.tools import (
    DAY,
    NAT,
    chance,
    exponential_days,
    flags,
    ids,
    instants,
    lognormal_hours,
    pick,
    seconds,
    time_of_day,
    to_utc,
    where,
    words,
)
from ops.simulate.world import World, trend_pick

CHANNELS = ("web", "app", "store", "phone", "api")
_SHARES = (0.54, 0.34, 0.06, 0.03, 0.03)
_HOURS = (5, 3, 2, 1, 1, 2, 4, 9, 14, 18, 21, 22, 24, 22, 20, 20, 21, 23, 26, 30, 34, 32, 22, 13)


@dataclass
class Demand:
    """Orders by index (in no particular order) and customers by index.

    `session` is false for orders that no web session belongs to; `lifted` marks the orders a planted campaign brought,
    most of them in a session.
    """

    ordered: np.ndarray
    paid: np.ndarray
    day: np.ndarray
    country: np.ndarray
    region: np.ndarray
    customer: np.ndarray
    channel: np.ndarray
    is_test: np.ndarray
    session: np.ndarray
    lifted: np.ndarray
    customer_created: np.ndarray
    customer_country: np.ndarray
    customer_region: np.ndarray
    business: np.ndarray
    consent: np.ndarray
    regions: list[tuple[int, str, tuple[str, ...]]]
    currency: np.ndarray
    codes: list[str]

    @property
    def size(self) -> int:
        """The number of orders."""
        return len(self.ordered)


def _order_times(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Instant and country of every order: local evenings of every country, inside the business days of the span."""
    rng = world.rng("orders.time")
    size = world.settings.orders
    lands = world.profile.countries
    cell = pick(rng, size, world.day_weights.ravel())
    day, country = np.divmod(cell, len(lands))
    wall = world.local_days[day].astype("M8[s]") + time_of_day(rng, size, _HOURS)
    ordered = np.full(size, NAT)
    for index, land in enumerate(lands):
        own = country == index
        ordered[own] = to_utc(wall[own], land.zone)
    # A buyer's evening can be another business day at both ends of the span; on a span of one day there is no
    # day to move to.
    ordered = np.where(ordered > world.cutoff, ordered - DAY, ordered)
    ordered = np.where(ordered < world.start, ordered + DAY, ordered)
    return world.while_up(np.clip(ordered, world.start, world.cutoff)), country


def _customers_of_orders(world: World, ordered: np.ndarray, country: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Customer number of every order and whether it opened that customer.

    A returning order copies the customer of an earlier order of its country, sooner a recent one: frequent buyers
    become more frequent. Orders of rare buyers are never copied.
    """
    rng = world.rng("orders.customer")
    size = len(ordered)
    order = np.lexsort((ordered, country))
    position = np.arange(size)
    first = np.searchsorted(country[order], country[order], side="left")
    age = (ordered[order] - world.start).astype("int64") / max(1, (world.cutoff - world.start).astype("int64"))
    fresh = chance(rng, size, 0.80 - 0.45 * np.sqrt(age)) | (position == first)
    rare = chance(rng, size, 0.35)
    distance = np.ceil((position - first) * rng.random(size) ** 1.9).astype("int64")
    parent = np.where(fresh, position, position - np.maximum(distance, 1))
    orphan = (fresh & rare)[parent] & ~fresh
    parent = np.where(orphan, position, parent)
    while True:
        above = parent[parent]
        if np.array_equal(above, parent):
            break
        parent = above
    roots, customer = np.unique(parent, return_inverse=True)
    result = np.empty(size, "int64")
    result[order] = customer
    opened = np.zeros(size, bool)
    opened[order[roots]] = True
    return result, opened


def simulate_demand(world: World) -> Demand:
    """Every order with its customer; customers without an order come after the buyers."""
    ordered, country = _order_times(world)
    customer, opened = _customers_of_orders(world, ordered, country)
    size, buyers = len(ordered), int(customer.max()) + 1

    rng = world.rng("customers")
    lookers = round(0.3 * buyers)
    people = buyers + lookers
    lands = world.profile.countries
    first_order = np.full(people, NAT)
    first_order[customer[opened]] = ordered[opened]
    home = pick(rng, people, [c.weight for c in lands])
    home[customer[opened]] = country[opened]
    at_checkout = chance(rng, people, 0.5)
    created = np.where(
        at_checkout,
        first_order - seconds(rng.integers(30, 900, people)),
        first_order - exponential_days(rng, people, 25.0),
    )
    created[buyers:] = world.instant(trend_pick(world, rng, lookers)) + seconds(rng.integers(0, 86_400, lookers))

    regions = [(index, r[0], r[2]) for index, land in enumerate(lands) for r in land.regions]
    region_weights = [r[1] for land in lands for r in land.regions]
    home_region = _regions(rng, home, regions, region_weights)

    rng = world.rng("orders")
    elsewhere = chance(rng, size, 0.06)
    region = np.where(elsewhere, _regions(rng, country, regions, region_weights), home_region[customer])
    is_test = chance(rng, size, 0.008)
    paid = _paid_at(rng, ordered, is_test)
    channel = pick(rng, size, _SHARES)
    codes = sorted({world.currency, *(c.currency for c in lands)})
    day = world.day_number(ordered)
    lift = world.truth["campaign_lift"]
    campaign = next(c for c in world.campaigns if c.campaign_id == lift["campaign_id"])
    online = channel <= 1
    # Lifted orders are those above what the day would have had; they come by the web or the app.
    extra = 1 - 1 / lift["order_factor"]
    in_window = (day >= campaign.first) & (day <= campaign.last)
    settings = world.settings
    tracked = min(0.95, settings.session_conversion * settings.sessions_per_order / sum(_SHARES[:2]))
    lifted = in_window & online & chance(rng, size, min(1.0, extra / sum(_SHARES[:2])))
    return Demand(
        ordered=ordered,
        paid=paid,
        day=day,
        country=country,
        region=region,
        customer=customer,
        channel=channel,
        is_test=is_test,
        session=online & chance(rng, size, np.where(lifted, max(tracked, 0.75), tracked)),
        lifted=lifted,
        customer_created=created,
        customer_country=home,
        customer_region=home_region,
        business=chance(rng, people, 0.09),
        consent=pick(rng, people, (0.1, 0.75, 0.15)),
        regions=regions,
        currency=np.asarray([codes.index(c.currency) for c in lands])[country],
        codes=codes,
    )


def _regions(rng: np.random.Generator, country: np.ndarray, regions: list, weights: list[float]) -> np.ndarray:
    """A region of each country number, by weight."""
    chosen = np.zeros(len(country), "int64")
    lands = np.asarray([r[0] for r in regions])
    for land in np.unique(lands):
        own = country == land
        chosen[own] = pick(rng, int(own.sum()), np.asarray(weights)[lands == land]) + int(np.argmax(lands == land))
    return chosen


def _paid_at(rng: np.random.Generator, ordered: np.ndarray, is_test: np.ndarray) -> np.ndarray:
    """Most pay within a minute, some after failed attempts, a few by transfer days later, a few never."""
    size = len(ordered)
    delay = seconds(rng.integers(20, 100, size))
    retry = chance(rng, size, 0.09)
    delay = np.where(retry, delay + lognormal_hours(rng, size, 0.12, 1.1), delay)
    transfer = chance(rng, size, 0.04)
    delay = np.where(transfer, lognormal_hours(rng, size, 30.0, 0.6), delay)
    return where(chance(rng, size, 0.955) | is_test, ordered + delay)


def customers_table(world: World, demand: Demand) -> pl.DataFrame:
    """One row per customer; country, region, type and consent are sometimes missing."""
    rng = world.rng("customers.table")
    size = len(demand.customer_created)
    country = np.where(chance(rng, size, 0.008), -1, demand.customer_country)
    region = np.where((country < 0) | chance(rng, size, 0.015), -1, demand.customer_region)
    cities = [city for _, _, names in demand.regions for city in names]
    city_count = np.asarray([len(names) for _, _, names in demand.regions])
    first_city = np.cumsum(city_count) - city_count
    city = first_city[demand.customer_region] + rng.integers(0, 1_000_000, size) % city_count[demand.customer_region]
    kind = np.where(chance(rng, size, 0.02), -1, demand.business)
    return pl.DataFrame(
        {
            "customer_id": ids("c", np.arange(size)),
            "created_at": instants(demand.customer_created),
            "country": words([c.code for c in world.profile.countries], country),
            "region": words([name for _, name, _ in demand.regions], region),
            "city": words(cities, np.where(region < 0, -1, city)),
            "customer_type": words(("consumer", "business"), kind),
            "email": pl.select(
                pl.when(pl.Series(~chance(rng, size, 0.01))).then(ids("c", np.arange(size)) + "@example.com")
            ).to_series(),
            "consent_analytics": flags(demand.consent == 1, demand.consent != 2),
        }
    )


def orders_table(world: World, demand: Demand) -> pl.DataFrame:
    """One row per checkout; a few carry no country, region or sales channel of their own."""
    rng = world.rng("orders.table")
    size = demand.size
    country = np.where(chance(rng, size, 0.02), -1, demand.country)
    region = np.where((country < 0) | chance(rng, size, 0.02), -1, demand.region)
    named = demand.session & chance(world.rng("orders.session_id"), size, 0.93)
    return pl.DataFrame(
        {
            "order_id": ids("o", np.arange(size)),
            "customer_id": ids("c", demand.customer),
            "ordered_at": instants(demand.ordered),
            "paid_at": instants(demand.paid),
            "currency": words(demand.codes, demand.currency),
            "sales_channel": words(CHANNELS, np.where(chance(rng, size, 0.005), -1, demand.channel)),
            "session_id": ids("w", np.where(named, np.arange(size), -1)),
            "country": words([c.code for c in world.profile.countries], country),
            "region": words([name for _, name, _ in demand.regions], region),
            "is_test": flags(demand.is_test, demand.is_test | ~chance(rng, size, 0.1)),
        }
    )
