"""Web sessions: who comes when, from where, on what device, and with what intention."""

from dataclasses import dataclass

import numpy as np

from ops.simulate.demand import Demand
from ops.simulate.tools import DAY, NAT, chance, exponential_days, pick, seconds, time_of_day, to_utc
from ops.simulate.world import World, trend_pick

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
    device: np.ndarray
    source: np.ndarray
    campaign: np.ndarray
    named: np.ndarray
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
    people = len(demand.customer_created)

    order = np.flatnonzero(demand.session)
    bought = len(order)
    # Two fifths of the app orders and a few others come from a customer's second visitor.
    second = chance(rng, bought, np.where(demand.channel[order] == 1, 0.4, 0.08))
    customer = demand.customer[order]
    # A household shares a device: the visitor of one customer buys as the next one.
    shared = chance(rng, bought, 0.012)
    visitor = np.where(shared, np.maximum(customer - 1, 0), customer + np.where(second, people, 0))
    duration = np.clip(rng.lognormal(6.0, 0.7, bought), 25, 9000).astype("int64")
    start = demand.ordered[order] - seconds(duration)
    start = np.maximum(start, world.start)

    # A seventh of the carts is filled in an earlier session of the same visitor.
    earlier = np.flatnonzero(chance(rng, bought, 0.15))
    earlier_start = start[earlier] - seconds(rng.integers(3600, int(6.5 * 86_400), len(earlier)))
    earlier, earlier_start = earlier[earlier_start > world.start], earlier_start[earlier_start > world.start]

    total = round(world.settings.sessions_per_order * demand.size)
    visits = max(total - bought - len(earlier), demand.size // 2)
    bots = round(0.05 * total)
    known = round(0.4 * visits)
    anonymous = visits - known

    # Buyers also come without buying, above all in the weeks before an order.
    about = rng.integers(0, demand.size, known)
    offset = np.where(chance(rng, known, 0.6), -exponential_days(rng, known, 9.0), exponential_days(rng, known, 45.0))
    known_start = demand.ordered[about] + offset
    outside = (known_start < world.start) | (known_start > world.cutoff - DAY)
    known_start = np.where(outside, world.uniform_instants(rng, known, 0.0, 0.995), known_start)
    known_customer = demand.customer[about]
    known_visitor = known_customer + np.where(chance(rng, known, 0.25), people, 0)

    # Others are never known; some of them come often.
    pool = max(1, round(0.55 * (anonymous + bots)))
    loose = anonymous + bots
    loose_visitor = 2 * people + np.minimum((pool * rng.random(loose) ** 1.6).astype("int64"), pool - 1)
    loose_visitor[anonymous:] += pool
    lands = world.profile.countries
    land_of_visitor = pick(rng, 2 * pool, [c.weight for c in lands])
    loose_country = land_of_visitor[loose_visitor - 2 * people]
    wall = world.local_days[trend_pick(world, rng, loose)].astype("M8[s]") + time_of_day(rng, loose, _HOURS)
    loose_start = np.full(loose, NAT)
    for index, land in enumerate(lands):
        own = loose_country == index
        loose_start[own] = to_utc(wall[own], land.zone)
    loose_start = np.where(loose_start > world.cutoff - np.timedelta64(7200, "s"), loose_start - DAY, loose_start)
    loose_start = np.clip(
        np.where(loose_start < world.start, loose_start + DAY, loose_start), world.start, world.cutoff
    )

    kind = np.concatenate(
        [
            np.full(bought, ORDER),
            np.full(len(earlier), EARLIER_CART),
            np.where(chance(rng, visits, 0.36), BOUNCE, BROWSE),
            np.full(bots, BOT),
        ]
    ).astype("int8")
    size = len(kind)
    none = np.full(visits + bots, -1)
    log_in = chance(rng, known, 0.4)
    first_region = np.asarray([[r[0] for r in demand.regions].index(i) for i in range(len(lands))])
    regions = np.bincount([r[0] for r in demand.regions])
    loose_region = first_region[loose_country] + loose_visitor * 7919 % regions[loose_country]

    def joined(orders: np.ndarray, others: np.ndarray) -> np.ndarray:
        return np.concatenate([orders, orders[earlier], others])

    visitor = joined(visitor, np.concatenate([known_visitor, loose_visitor]))
    ordered_by = joined(order, none)
    sessions = Sessions(
        kind=kind,
        start=np.concatenate([start, earlier_start, known_start, loose_start]),
        duration=np.concatenate([duration, np.clip(rng.lognormal(5.2, 0.9, size - bought), 8, 7000).astype("int64")]),
        visitor=visitor,
        customer=joined(
            np.where(chance(rng, bought, 0.9), customer, -1),
            np.concatenate([np.where(log_in, known_customer, -1), np.full(loose, -1)]),
        ),
        order=ordered_by,
        cart=np.where(chance(rng, size, 0.8), np.concatenate([order, order[earlier], none]), -1),
        country=joined(demand.country[order], np.concatenate([demand.customer_country[known_customer], loose_country])),
        region=joined(demand.region[order], np.concatenate([demand.customer_region[known_customer], loose_region])),
        device=_devices(rng, visitor, people, joined(demand.channel[order] == 1, np.zeros(visits + bots, bool))),
        source=np.zeros(size, "int64"),
        campaign=np.full(size, -1),
        named=pick(rng, size, (0.06, 0.64, 0.30)),
        rank=np.zeros(size, "int64"),
    )
    # The session of an order has the identifier that the order names.
    named_order = chance(world.rng("orders.session_id"), demand.size, 0.93)
    sessions.named[:bought] = np.where(named_order[order], 1, 0)
    # The cart of an earlier session is the cart of its order.
    sessions.cart[bought : bought + len(earlier)] = order[earlier]
    sessions.cart[earlier] = order[earlier]
    _sources(world, rng, demand, sessions, bought)
    by_start = np.argsort(sessions.start, kind="stable")
    sessions = Sessions(**{name: values[by_start] for name, values in vars(sessions).items()})
    by_visitor = np.argsort(sessions.visitor, kind="stable")
    grouped = sessions.visitor[by_visitor]
    sessions.rank[by_visitor] = np.arange(size) - np.searchsorted(grouped, grouped) + 1
    return sessions


def _devices(rng: np.random.Generator, visitor: np.ndarray, people: int, by_app: np.ndarray) -> np.ndarray:
    """A visitor keeps its device (the second visitor of a customer is a telephone); app orders come by the app."""
    draw = (visitor * 2_654_435_761 % 1_000_003) / 1_000_003
    usual = np.searchsorted([0.46, 0.86, 0.93], draw, side="right")
    usual = np.where((visitor >= people) & (visitor < 2 * people), np.where(draw < 0.6, 3, 0), usual)
    return np.where(by_app, 3, usual).astype("int8")


def _sources(world: World, rng: np.random.Generator, demand: Demand, sessions: Sessions, bought: int) -> None:
    """Source of every session and, for the paid ones, a campaign for buyers that runs on that day."""
    size = sessions.size
    weights = np.asarray([s[2] for s in SOURCES], dtype=float)
    source = pick(rng, size, weights)
    # Buyers come more often directly or by a newsletter.
    loyal = (sessions.kind <= EARLIER_CART) & chance(rng, size, 0.2)
    source = np.where(loyal, np.where(chance(rng, size, 0.5), 0, [s[0] for s in SOURCES].index("newsletter")), source)
    source = np.where(sessions.kind == BOT, 0, source)
    lifted = np.zeros(size, bool)
    lifted[:bought] = demand.lifted[sessions.order[:bought]]
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
