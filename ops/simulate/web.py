"""Web sessions: who comes when, from where, on what device, and with what intention."""

from dataclasses import dataclass

import numpy as np

from ops.simulate.demand import Demand
from ops.simulate.tools import DAY, NAT, chance, exponential_days, pick, seconds, time_of_day, to_utc
from ops.simulate.world import LAG_DAYS, World

ORDER, EARLIER_CART, BROWSE, BOUNCE, BOT = range(5)
DEVICES = ("mobile", "desktop", "tablet", "app")
_HOURS = (6, 4, 3, 2, 2, 3, 6, 11, 16, 19, 21, 22, 25, 23, 20, 20, 21, 24, 28, 32, 36, 34, 24, 14)

# source, medium, weight, platform of its campaigns (None = no campaign)
SOURCES = (
    (None, None, 170, None),
    ("(direct)", "(none)", 20, None),
    ("google", "organic", 190, None),
    ("bing", "organic", 22, None),
    ("qwant", "organic", 10, None),
    ("lilo", "organic", 4, None),
    ("ecosia", "organic", 14, None),
    ("duckduckgo", "organic", 9, None),
    ("web.de", "organic", 6, None),
    ("t-online", "organic", 5, None),
    ("metager", "organic", 2, None),
    ("google", "cpc", 120, "google_ads"),
    ("bing", "cpc", 14, "google_ads"),
    ("facebook", "paid_social", 45, "meta_ads"),
    ("instagram", "paid_social", 35, "meta_ads"),
    ("tiktok", "paid_social", 22, "tiktok_ads"),
    ("instagram", "social", 26, None),
    ("pinterest", "social", 12, None),
    ("facebook.com", "referral", 10, None),
    ("newsletter", "email", 70, None),
    ("criteo", "display", 24, "criteo"),
    ("awin", "affiliate", 30, "awin"),
    ("lesnumeriques.com", "referral", 16, None),
    ("idealo.de", "referral", 14, None),
    ("chatgpt.com", "referral", 14, None),
    ("perplexity.ai", "referral", 7, None),
    ("copilot.microsoft.com", "referral", 4, None),
    ("chat.mistral.ai", "referral", 4, None),
    ("gemini.google.com", None, 4, None),
    ("sms", "sms", 8, None),
    ("flyer", "qr", 5, None),
)
# Shares of sessions without an identifier, with a unique one, with one that is unique within its visitor.
_NAMING = (0.06, 0.64, 0.30)
# Share of the visits without an order that end on their first page.
_BOUNCES = 0.46
_LIFTED_SOURCE = SOURCES.index(("instagram", "paid_social", 35, "meta_ads"))


@dataclass
class Sessions:
    """Sessions by index, in the order of their start. `order` and `customer` are -1 where there is none.

    `named` is 0 for a missing session_id, 1 for a unique one, 2 for one that is unique within its visitor only:
    its `rank` among the visitor's sessions.
    `region` indexes the regions of the demand; `campaign` the campaigns of the world.
    """

    kind: np.ndarray
    start: np.ndarray
    duration: np.ndarray
    visitor: np.ndarray
    customer: np.ndarray
    order: np.ndarray
    cart: np.ndarray
    country: np.ndarray
    region: np.ndarray
    named: np.ndarray
    device: np.ndarray
    source: np.ndarray
    campaign: np.ndarray
    rank: np.ndarray

    @property
    def size(self) -> int:
        """The number of sessions."""
        return len(self.kind)

    def part(self, first: int, last: int) -> "Sessions":
        """The sessions `first`..`last - 1`."""
        return Sessions(**{name: values[first:last] for name, values in vars(self).items()})


def simulate_sessions(world: World, demand: Demand) -> Sessions:
    """All sessions: those of orders, earlier ones that filled their cart, visits without an order, bots."""
    rng = world.rng("sessions")
    total = round(world.settings.sessions_per_order * demand.size)
    of_orders = _order_sessions(world, rng, demand)
    before = _earlier_carts(world, rng, of_orders)
    visits = max(total - len(of_orders["kind"]) - len(before["kind"]), demand.size // 2)
    known = round(0.4 * visits)
    parts = [
        of_orders,
        before,
        _known_visits(world, rng, demand, known),
        _loose_visits(world, rng, demand, visits - known, round(0.05 * total)),
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in of_orders}
    loose = columns["kind"] > EARLIER_CART
    columns["start"][loose] = world.while_up(columns["start"][loose])
    size, people = len(columns["kind"]), len(demand.customer_created)
    sessions = Sessions(
        **columns,
        device=_devices(columns["visitor"], columns["order"], people, demand),
        source=np.zeros(size, "int64"),
        campaign=np.full(size, -1),
        rank=np.zeros(size, "int64"),
    )
    _sources(world, rng, demand, sessions)
    by_start = np.argsort(sessions.start, kind="stable")
    sessions = Sessions(**{name: values[by_start] for name, values in vars(sessions).items()})
    by_visitor = np.argsort(sessions.visitor, kind="stable")
    grouped = sessions.visitor[by_visitor]
    sessions.rank[by_visitor] = np.arange(size) - np.searchsorted(grouped, grouped) + 1
    return sessions


def _short(rng: np.random.Generator, size: int) -> np.ndarray:
    """Seconds of visits that end without an order."""
    return np.clip(rng.lognormal(5.2, 0.9, size), 8, 7000).astype("int64")


def _order_sessions(world: World, rng: np.random.Generator, demand: Demand) -> dict[str, np.ndarray]:
    """One session per order of the web and the app; it ends with the order."""
    order = np.flatnonzero(demand.session)
    size, people = len(order), len(demand.customer_created)
    customer = demand.customer[order]
    # Two fifths of the app orders and a few others come from a customer's second visitor.
    second = chance(rng, size, np.where(demand.channel[order] == 1, 0.4, 0.08))
    # A household shares a device: the visitor of one customer buys as the next one.
    shared = chance(rng, size, 0.012)
    duration = np.clip(rng.lognormal(6.0, 0.7, size), 25, 9000).astype("int64")
    # The session is named as the order names it.
    named = chance(world.rng("orders.session_id"), demand.size, 0.93)[order]
    return {
        "kind": np.full(size, ORDER, "int8"),
        "start": np.maximum(demand.ordered[order] - seconds(duration), world.start),
        "duration": duration,
        "visitor": np.where(shared, np.maximum(customer - 1, 0), customer + np.where(second, people, 0)),
        "customer": np.where(chance(rng, size, 0.9), customer, -1),
        "order": order,
        "cart": np.where(chance(rng, size, 0.8), order, -1),
        "country": demand.country[order],
        "region": demand.region[order],
        "named": named.astype("int64"),
    }


def _earlier_carts(world: World, rng: np.random.Generator, of_orders: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A seventh of the carts is filled up to a week before in another session of the same visitor."""
    size = len(of_orders["kind"])
    start = of_orders["start"] - seconds(rng.integers(3600, int(6.5 * 86_400), size))
    chosen = np.flatnonzero(chance(rng, size, 0.15) & (start > world.start))
    of_orders["cart"][chosen] = of_orders["order"][chosen]
    return {name: values[chosen] for name, values in of_orders.items()} | {
        "kind": np.full(len(chosen), EARLIER_CART, "int8"),
        "start": start[chosen],
        "duration": _short(rng, len(chosen)),
        "named": pick(rng, len(chosen), _NAMING),
    }


def _known_visits(world: World, rng: np.random.Generator, demand: Demand, size: int) -> dict[str, np.ndarray]:
    """Visits of buyers that end without an order, above all in the weeks before they buy."""
    about = rng.integers(0, demand.size, size)
    customer, people = demand.customer[about], len(demand.customer_created)
    offset = np.where(chance(rng, size, 0.6), -exponential_days(rng, size, 9.0), exponential_days(rng, size, 45.0))
    start = demand.ordered[about] + offset
    outside = (start < world.start) | (start > world.cutoff - DAY)
    return {
        "kind": np.where(chance(rng, size, _BOUNCES), BOUNCE, BROWSE).astype("int8"),
        "start": np.where(outside, world.uniform_instants(rng, size, 0.0, 0.995), start),
        "duration": _short(rng, size),
        "visitor": customer + np.where(chance(rng, size, 0.25), people, 0),
        "customer": np.where(chance(rng, size, 0.4), customer, -1),
        "order": np.full(size, -1),
        "cart": np.full(size, -1),
        "country": demand.customer_country[customer],
        "region": demand.customer_region[customer],
        "named": pick(rng, size, _NAMING),
    }


def _loose_visits(
    world: World, rng: np.random.Generator, demand: Demand, people: int, bots: int
) -> dict[str, np.ndarray]:
    """Visits of visitors who are never known, some of whom come often; after them those of bots."""
    size = people + bots
    pool = max(1, round(0.55 * size))
    number = np.minimum((pool * rng.random(size) ** 1.6).astype("int64"), pool - 1)
    number[people:] += pool
    lands = world.profile.countries
    country = pick(rng, 2 * pool, [c.weight for c in lands])[number]
    first_region = np.asarray([[r[0] for r in demand.regions].index(index) for index in range(len(lands))])
    regions = np.bincount([r[0] for r in demand.regions])

    # What advertising moves is seen two days later.
    moved = world.day_weights.sum(axis=1)
    moved[LAG_DAYS:] *= world.budget_moves[:-LAG_DAYS]
    wall = world.local_days[pick(rng, size, moved)].astype("M8[s]") + time_of_day(rng, size, _HOURS)
    start = np.full(size, NAT)
    for index, land in enumerate(lands):
        own = country == index
        start[own] = to_utc(wall[own], land.zone)
    start = np.where(start > world.cutoff - np.timedelta64(7200, "s"), start - DAY, start)
    start = np.clip(np.where(start < world.start, start + DAY, start), world.start, world.cutoff)
    kind = np.where(chance(rng, size, _BOUNCES), BOUNCE, BROWSE).astype("int8")
    kind[people:] = BOT
    return {
        "kind": kind,
        "start": start,
        "duration": _short(rng, size),
        "visitor": 2 * len(demand.customer_created) + number,
        "customer": np.full(size, -1),
        "order": np.full(size, -1),
        "cart": np.full(size, -1),
        "country": country,
        "region": first_region[country] + number * 7919 % regions[country],
        "named": pick(rng, size, _NAMING),
    }


def _devices(visitor: np.ndarray, order: np.ndarray, people: int, demand: Demand) -> np.ndarray:
    """A visitor keeps its device (the second visitor of a customer is a telephone); app orders come by the app."""
    draw = (visitor * 2_654_435_761 % 1_000_003) / 1_000_003
    usual = np.searchsorted([0.46, 0.86, 0.93], draw, side="right")
    usual = np.where((visitor >= people) & (visitor < 2 * people), np.where(draw < 0.6, 3, 0), usual)
    return np.where((order >= 0) & (demand.channel[order] == 1), 3, usual).astype("int8")


def _sources(world: World, rng: np.random.Generator, demand: Demand, sessions: Sessions) -> None:
    """Source of every session and, for the paid ones, a campaign for buyers that runs on that day."""
    size = sessions.size
    weights = np.asarray([s[2] for s in SOURCES], dtype=float)
    source = pick(rng, size, weights)
    # Buyers come more often directly or by a newsletter.
    loyal = (sessions.kind <= EARLIER_CART) & chance(rng, size, 0.2)
    source = np.where(loyal, np.where(chance(rng, size, 0.5), 0, [s[0] for s in SOURCES].index("newsletter")), source)
    source = np.where(sessions.kind == BOT, 0, source)
    lifted = (sessions.kind == ORDER) & demand.lifted[sessions.order]
    sessions.source = np.where(lifted, _LIFTED_SOURCE, source)
    day = world.day_number(sessions.start)
    for platform in sorted({s[3] for s in SOURCES if s[3]}):
        own = np.flatnonzero(np.isin(sessions.source, [i for i, s in enumerate(SOURCES) if s[3] == platform]))
        for number, campaign in enumerate(world.campaigns):
            serves = (campaign.platform, campaign.audience) == (platform, "buyers") and campaign.objective != "leads"
            if not serves or campaign is world.campaigns[-1]:
                continue
            running = own[(day[own] >= campaign.first) & (day[own] <= campaign.last)]
            # Later campaigns take over a part of the sessions of earlier ones.
            takes = running[chance(rng, len(running), np.where(sessions.campaign[running] < 0, 0.85, 0.4))]
            sessions.campaign[takes] = number
    sessions.campaign = np.where(lifted, len(world.campaigns) - 1, sessions.campaign)
    # The lifted campaign also brings visits that buy nothing.
    last = world.campaigns[-1]
    meets = (day >= last.first) & (day <= last.last) & (sessions.kind > EARLIER_CART) & (sessions.kind < BOT)
    meets &= chance(rng, size, 0.25)
    sessions.source = np.where(meets, _LIFTED_SOURCE, sessions.source)
    sessions.campaign = np.where(meets, len(world.campaigns) - 1, sessions.campaign)
