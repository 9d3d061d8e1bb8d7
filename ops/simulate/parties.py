"""The supply side: sellers, their ladder and vacations, products and offers. (Customers come with their orders.)"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from ops.simulate.catalogue import (
    ADJECTIVES,
    BRANDS,
    CATEGORIES,
    CATEGORY_NAMES,
    CATEGORY_OF_FAMILY,
    CHEAP_FAMILIES,
    FAMILIES,
    FAMILY_NAMES,
)
from ops.simulate.tools import (
    DAY,
    NAT,
    chance,
    counts,
    exponential_days,
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

PLANS = ("basic", "pro", "enterprise")
_LEGAL = ("SARL", "GmbH", "SL", "Ltd", "Inc", "SAS")
_NAMES = ("Atelier", "Comptoir", "Maison", "Studio", "House of", "Depot", "Galerie", "Market", "Werkstatt", "Casa")


@dataclass
class Sellers:
    """Sellers by index. `off_from`..`off_to` is the time a seller may not sell (suspended or closed).

    From `star_from` on `star_share` of the orders begin with the `stars`, in turn; `twin_of` names the seller whose
    legal id a seller has, itself as a rule (stories.py).
    """

    size: int
    country: np.ndarray
    weight: np.ndarray
    registered: np.ndarray
    validated: np.ndarray
    core: np.ndarray
    bad: np.ndarray
    bad_change: np.ndarray
    change_at: np.ndarray
    warned: np.ndarray
    action_plan: np.ndarray
    suspended: np.ndarray
    reinstated: np.ndarray
    closed: np.ndarray
    vacation_from: np.ndarray
    vacation_to: np.ndarray
    plan: np.ndarray
    platform_fulfilled: np.ndarray
    change_days: np.ndarray
    warned_again: np.ndarray
    plan_again: np.ndarray
    in_story: np.ndarray
    twin_of: np.ndarray
    stars: np.ndarray = field(default_factory=lambda: np.empty(0, "int64"))
    star_from: np.datetime64 = NAT
    star_share: float = 0.0

    @property
    def off_from(self) -> np.ndarray:
        """Start of the time without sales (NaT = none)."""
        return np.where(np.isnat(self.suspended), self.closed, self.suspended)

    def badness(self, seller: np.ndarray, at: np.ndarray) -> np.ndarray:
        """How badly a seller works at an instant, 0..1; worsening and improving ones move over `change_days`."""
        progress = (at - self.change_at[seller]).astype("int64") / (self.change_days[seller] * 86_400)
        progress = np.where(np.isnat(self.change_at[seller]), 0.0, progress)
        return (self.bad[seller] + self.bad_change[seller] * progress.clip(0.0, 1.0)).clip(0.0, 1.0)

    def may_sell(self, seller: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Whether a seller is validated and neither suspended nor closed at an instant."""
        off = (at >= self.off_from[seller]) & ~(at >= self.reinstated[seller])
        return (at >= self.validated[seller]) & ~off

    def on_vacation(self, seller: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Whether an instant lies in one of the seller's two vacations."""
        window = (at[:, None] >= self.vacation_from[seller]) & (at[:, None] < self.vacation_to[seller])
        return window.any(axis=1)

    def vacation_left(self, seller: np.ndarray, at: np.ndarray) -> np.ndarray:
        """What is left of the vacation an instant lies in (0 outside)."""
        start, end = self.vacation_from[seller], self.vacation_to[seller]
        inside = (at[:, None] >= start) & (at[:, None] < end)
        return np.where(inside, end - at[:, None], np.timedelta64(0, "s")).max(axis=1)


@dataclass
class Offers:
    """Products and offers by index.

    `live_always` are offers that are live during the whole span, `starred` those of the stars in their category.
    """

    product_family: np.ndarray
    product_popularity: np.ndarray
    product_created: np.ndarray
    seller: np.ndarray
    product: np.ndarray
    listed: np.ndarray
    delisted: np.ndarray
    price: np.ndarray
    currency: np.ndarray
    weight: np.ndarray
    live_always: np.ndarray
    starred: np.ndarray
    codes: list[str]

    def live(self, offer: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Whether an offer is listed at an instant."""
        return (at >= self.listed[offer]) & ~(at >= self.delisted[offer])


def simulate_sellers(world: World) -> Sellers:
    """Sellers whose size is heavy-tailed; a fifth of them is there from the start and stays."""
    rng = world.rng("sellers")
    size = max(40, round(2 * np.sqrt(world.settings.orders)))
    order = np.arange(size)
    core = order % 5 == 0
    weight = rng.pareto(1.15, size) + 0.15
    weight = np.minimum(weight, np.quantile(weight, 0.95)) * np.where(core, 1.6, 1.0)

    before = core | chance(rng, size, 0.35)
    registered = np.where(
        before,
        world.start - exponential_days(rng, size, 300.0) - 20 * DAY,
        world.uniform_instants(rng, size, 0.0, 0.96),
    )
    validated = registered + lognormal_hours(rng, size, 72.0, 0.7)
    validated = where(core | chance(rng, size, 0.93), validated)

    # How well they work: most well, some badly, a few change.
    bad = rng.beta(1.2, 11.0, size)
    bad_change = np.zeros(size)
    change_at = np.full(size, NAT)
    kind = np.where(core, order // 5 % 6, -1)
    changes = {} if world.settings.plain else {1: (0.05, 0.75), 3: (0.75, -0.68)}
    for number, (start, change) in changes.items():
        chosen = kind == number
        bad[chosen], bad_change[chosen] = start, change
        change_at[chosen] = world.uniform_instants(rng, size, 0.25, 0.7)[chosen]

    # The ladder: for some of the worst, and for some who simply stop.
    on_ladder = ~core & ~np.isnat(validated) & chance(rng, size, 0.28)
    bad = np.where(on_ladder, np.maximum(bad, rng.uniform(0.35, 0.8, size)), bad)
    step = exponential_days(rng, size, 100.0) + 30 * DAY
    warned = where(on_ladder, np.maximum(validated, world.start) + step)
    worsening = bad_change > 0
    warned = np.where(worsening, change_at + 60 * DAY, warned)
    action_plan = where(
        on_ladder & chance(rng, size, 0.8) | worsening, warned + 14 * DAY + hours(rng.random(size) * 40)
    )
    suspended = where(on_ladder & chance(rng, size, 0.75), action_plan + 21 * DAY + hours(rng.random(size) * 60))
    comes_back = chance(rng, size, 0.6)
    stops = ~core & ~on_ladder & chance(rng, size, 0.12)
    closed = np.where(
        stops, np.maximum(validated, world.start) + exponential_days(rng, size, 200.0) + 60 * DAY, suspended + 45 * DAY
    )
    closed = where(stops | ~comes_back, closed)
    returns = (comes_back & ~np.isnat(suspended)) | (stops & chance(rng, size, 0.25))
    reinstated = where(returns, np.where(stops, closed + 70 * DAY, suspended + 30 * DAY))

    vacation_from = np.full((size, 2), NAT)
    vacation_to = np.full((size, 2), NAT)
    for slot in range(2):
        goes = chance(rng, size, 0.3)
        start = np.maximum(world.uniform_instants(rng, size), validated + 10 * DAY)
        if slot:
            start = np.where(start >= vacation_to[:, 0] + 5 * DAY, start, vacation_to[:, 0] + 60 * DAY)
            goes &= ~np.isnat(start)
        vacation_from[:, slot] = where(goes & ~(start >= closed), start)
        vacation_to[:, slot] = vacation_from[:, slot] + seconds(rng.integers(5 * 86_400, 21 * 86_400, size))

    return Sellers(
        size=size,
        country=pick(rng, size, [c.weight for c in world.profile.countries]),
        weight=weight,
        registered=registered,
        validated=validated,
        core=core,
        bad=bad,
        bad_change=bad_change,
        change_at=change_at,
        warned=warned,
        action_plan=action_plan,
        suspended=suspended,
        reinstated=reinstated,
        closed=closed,
        vacation_from=vacation_from,
        vacation_to=vacation_to,
        plan=pick(rng, size, (0.55, 0.35, 0.10)),
        platform_fulfilled=chance(rng, size, 0.22),
        change_days=np.full(size, 90),
        # Half are warned a second time before they are suspended; who comes back has carried out a plan since.
        warned_again=where(
            ~np.isnat(suspended) & chance(world.rng("sellers.warned_again"), size, 0.5), action_plan + 12 * DAY
        ),
        plan_again=where(~np.isnat(suspended) & ~np.isnat(reinstated), suspended + 16 * DAY),
        in_story=np.zeros(size, bool),
        twin_of=order.copy(),
    )


def plant_sellers(world: World, sellers: Sellers) -> None:
    """Write which sellers change for the worse or the better into the truth."""
    changed = ~np.isnat(sellers.change_at) & ~sellers.in_story
    for name, direction in (("worsening_sellers", 1), ("improving_sellers", -1)):
        chosen = np.flatnonzero(changed & (np.sign(sellers.bad_change) == direction))
        world.truth[name] = [
            {"seller_id": f"s{number:05d}", "from": str(sellers.change_at[number].astype("M8[D]")), "over_days": 90}
            for number in chosen
        ]


def sellers_table(world: World, sellers: Sellers) -> pl.DataFrame:
    """One row per seller; a few share a legal id or a bank account, a few have no country or region."""
    rng = world.rng("sellers.table")
    number = np.arange(sellers.size)
    country = np.where(chance(rng, sellers.size, 0.03), -1, sellers.country)
    region = np.full(sellers.size, -1)
    names: list[str] = []
    for index, land in enumerate(world.profile.countries):
        own = sellers.country == index
        region[own] = pick(rng, int(own.sum()), [r[1] for r in land.regions]) + len(names)
        names += [r[0] for r in land.regions]
    region = np.where((country < 0) | chance(rng, sellers.size, 0.03), -1, region)
    twin = np.where(chance(rng, sellers.size, 0.04) & (number > 0) & ~sellers.in_story, number - 1, sellers.twin_of)
    bank_twin = np.where(chance(rng, sellers.size, 0.03) & (number > 1) & ~sellers.in_story, number - 2, number)
    strict = ~chance(rng, sellers.size, 0.7) & (number % 8 == 1)
    told = ~strict & (sellers.in_story | chance(rng, sellers.size, 0.7))
    return pl.DataFrame(
        {
            "seller_id": ids("s", number, 5),
            "seller_name": pl.select(
                pl.concat_str(
                    words(_NAMES, rng.integers(0, len(_NAMES), sellers.size)),
                    words(BRANDS, rng.integers(0, len(BRANDS), sellers.size)),
                    words(_LEGAL, rng.integers(0, len(_LEGAL), sellers.size)),
                    separator=" ",
                )
            ).to_series(),
            "country": words([c.code for c in world.profile.countries], country),
            "region": words(names, region),
            "registered_at": instants(sellers.registered),
            "validated_at": instants(sellers.validated),
            "plan": words(PLANS, sellers.plan),
            "policy": words(("default", "strict"), np.where(told, -1, strict & ~sellers.in_story)),
            "legal_id": ids("LEGAL", twin * 7919 + 1_000_003, 9),
            "bank_account": ids("XX76", bank_twin * 104_729 + 3_000_017, 14),
            "email": ids("shop", number, 5) + "@example.org",
        }
    )


def status_events_table(world: World, sellers: Sellers) -> pl.DataFrame:
    """What happened to seller accounts, in the order it happened."""
    rng = world.rng("seller_status_events")
    causes = ("late_shipment_rate", "order_defect_rate", "seller_cancellation_rate", "negative_feedback_rate")
    cause = np.where(sellers.in_story, 0, pick(rng, sellers.size, (0.4, 0.3, 0.2, 0.1)))
    suspended = ~np.isnat(sellers.suspended)
    parts = []

    def add(
        status: str, at: np.ndarray, reasons: Sequence[str | None] = (None, None), by_kpi: bool | np.ndarray = False
    ) -> None:
        """Events of one status; `reasons` without and with a KPI behind them."""
        happened = np.flatnonzero(~np.isnat(at))
        judged = np.broadcast_to(by_kpi, sellers.size)[happened]
        parts.append(
            pl.DataFrame(
                {
                    "seller": happened,
                    "occurred_at": instants(at[happened]),
                    "status": pl.repeat(status, len(happened), eager=True),
                    "reason": words(reasons, judged),
                    "kpi_id": words(causes, np.where(judged, cause[happened], -1)),
                }
            )
        )

    add("applied", sellers.registered)
    add("validated", sellers.validated)
    add("warned", sellers.warned, (None, "beyond the limit of the policy"), True)
    add("action_plan", sellers.action_plan, (None, "asked for a plan"), True)
    add("warned", sellers.warned_again, (None, "still beyond the limit of the policy"), True)
    add("action_plan", sellers.plan_again, (None, "asked for a plan"), True)
    add("suspended", sellers.suspended, (None, "no improvement"), True)
    add("closed", sellers.closed, ("asked by the seller", "no improvement"), suspended)
    add("reinstated", sellers.reinstated, ("came back", "plan carried out"), suspended)
    for slot in range(2):
        add("vacation_started", sellers.vacation_from[:, slot])
        add("vacation_ended", sellers.vacation_to[:, slot])
    events = pl.concat(parts).sort("occurred_at", "seller", "status", maintain_order=True)
    seller = events["seller"].to_numpy()
    return events.with_columns(
        ids("se", np.arange(events.height), 6).alias("event_id"),
        ids("s", seller, 5).alias("seller_id"),
        # Not every source says what a step rests on.
        pl.when(pl.col("kpi_id").is_not_null() & ~pl.Series(sellers.in_story[seller]))
        .then(pl.lit("scorecard of the day"))
        .alias("evidence"),
        pl.when(pl.col("kpi_id").is_not_null()).then(pl.lit("default")).alias("policy"),
    )


def simulate_offers(world: World, sellers: Sellers, star_category: str) -> Offers:
    """Products in families, each with one to four offers; some of a category are the stars' own."""
    rng = world.rng("offers")
    products = 5 * sellers.size
    family = np.concatenate([np.arange(len(FAMILIES)), pick(rng, products, np.ones(len(FAMILIES)))])[:products]
    category = np.asarray(CATEGORY_OF_FAMILY)[family]
    median = np.asarray([CATEGORIES[name][3] for name in CATEGORY_NAMES])[category]
    cheap = np.isin(family, [FAMILY_NAMES.index(name) for name in CHEAP_FAMILIES])
    price = np.where(cheap, 16.0, median) * np.exp(rng.normal(0.0, 0.45, products))

    extra = pick(rng, products, (0.68, 0.2, 0.08, 0.04))
    product = np.concatenate([np.arange(products), np.repeat(np.arange(products), extra)])
    size = len(product)
    seller = np.where(
        np.arange(size) < products, pick(rng, size, sellers.weight**0.7), pick(rng, size, sellers.weight**0.4)
    )
    # Every validated seller has something to sell.
    seller[: sellers.size] = np.arange(sellers.size)
    seller = np.where(np.isnat(sellers.validated[seller]), 0, seller)
    # The stars of a category share some of its products.
    of_category = (category == CATEGORY_NAMES.index(star_category))[product]
    among = np.flatnonzero(of_category & (np.arange(size) >= sellers.size) & (np.arange(size) < products))
    among = among[: 6 * len(sellers.stars)]
    starred = np.zeros(size, bool)
    starred[among] = True
    seller[among] = np.resize(sellers.stars, len(among))
    # One offer per seller and product.
    _, first = np.unique(seller * products + product, return_index=True)
    keep = np.sort(first)
    seller, product, starred, size = seller[keep], product[keep], starred[keep], len(keep)

    core = sellers.core[seller] & chance(rng, size, 0.6) | starred
    start = np.maximum(sellers.validated[seller], world.start - 200 * DAY)
    late = chance(rng, size, 0.45)
    listed = start + exponential_days(rng, size, np.where(late, 120.0, 6.0))
    listed = np.where(core, world.start - 15 * DAY - hours(rng.random(size) * 2400), listed)
    listed = np.maximum(listed, sellers.validated[seller] + hours(1.0))
    live_always = core & (listed < world.start - DAY)
    delisted = where(~live_always & chance(rng, size, 0.3), listed + exponential_days(rng, size, 220.0) + 20 * DAY)
    # Who leaves for good takes all offers down.
    gone = np.where(np.isnat(sellers.reinstated), sellers.closed, NAT)[seller]
    delisted = np.fmin(delisted, np.maximum(gone, listed) + hours(1.0))
    created = np.full(products, world.cutoff + DAY)
    np.minimum.at(created, product, listed)

    codes = sorted({world.currency, *(c.currency for c in world.profile.countries)})
    own = np.asarray([codes.index(c.currency) for c in world.profile.countries])[sellers.country[seller]]
    currency = np.where(chance(rng, size, 0.75), codes.index(world.currency), own)
    in_eur = np.asarray([world.rates[code][0] for code in codes])[currency]
    cents = np.maximum(
        99, np.round(price[product] * rng.uniform(0.92, 1.12, size) / in_eur) * 100 - rng.choice([1, 5, 10], size)
    )
    popularity = rng.lognormal(0.0, 0.9, products)
    return Offers(
        product_family=family,
        product_popularity=popularity,
        product_created=created - hours(rng.random(products) * 200),
        seller=seller,
        product=product,
        listed=listed,
        delisted=delisted,
        price=cents.astype("int64"),
        currency=currency,
        weight=sellers.weight[seller] * popularity[product] * (30.0 / np.maximum(price[product], 8.0)) ** 0.4,
        live_always=live_always,
        starred=starred,
        codes=codes,
    )


def products_table(world: World, offers: Offers) -> pl.DataFrame:
    """One row per product; a few lack a category, a family, a brand or a name."""
    rng = world.rng("products.table")
    size = len(offers.product_family)
    family = offers.product_family
    category = np.where(chance(rng, size, 0.015), -1, np.asarray(CATEGORY_OF_FAMILY)[family])
    parents = [CATEGORIES[name][0] for name in CATEGORY_NAMES]
    brand = rng.integers(0, len(BRANDS), size)
    name = pl.select(
        pl.concat_str(
            words(BRANDS, brand),
            words(ADJECTIVES, rng.integers(0, len(ADJECTIVES), size)),
            words(FAMILY_NAMES, family).str.replace_all("_", " "),
            separator=" ",
        )
    ).to_series()
    return pl.DataFrame(
        {
            "product_id": ids("p", np.arange(size), 6),
            "product_name": pl.select(pl.when(pl.Series(~chance(rng, size, 0.01))).then(name)).to_series(),
            "category": words(CATEGORY_NAMES, category),
            "parent_category": words(parents, category),
            "brand": words(BRANDS, np.where(chance(rng, size, 0.1), -1, brand)),
            "product_family": words(FAMILY_NAMES, np.where(chance(rng, size, 0.03), -1, family)),
            "created_at": instants(offers.product_created),
        }
    )


def offers_table(world: World, offers: Offers) -> pl.DataFrame:
    """One row per offer; a few have no price or stock. The end of some is known from their listing on."""
    rng = world.rng("offers.table")
    size = len(offers.seller)
    priced = ~chance(rng, size, 0.01)
    stock = np.where(chance(rng, size, 0.08), 0, rng.integers(1, 250, size))
    return pl.DataFrame(
        {
            "offer_id": ids("f", np.arange(size), 6),
            "seller_id": ids("s", offers.seller, 5),
            "product_id": ids("p", offers.product, 6),
            "listed_at": instants(offers.listed),
            "delisted_at": instants(offers.delisted),
            "_delisting_known_at": instants(np.where(chance(rng, size, 0.15), offers.listed, offers.delisted)),
            "price": money(offers.price, priced),
            "currency": words(offers.codes, np.where(priced, offers.currency, -1)),
            "stock_quantity": counts(stock, ~chance(rng, size, 0.05)),
        }
    )
