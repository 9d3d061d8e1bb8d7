"""What happens in the web sessions, event by event, in parts that fit into memory."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import polars as pl

from ops.simulate.catalogue import CATEGORY_NAMES, CATEGORY_OF_FAMILY, FAMILY_NAMES
from ops.simulate.demand import Demand
from ops.simulate.lines import Lines, draw_offers
from ops.simulate.marketing import FEATURES
from ops.simulate.parties import Offers, Sellers
from ops.simulate.tools import chance, counts, flags, ids, instants, labels, pick, seconds, take
from ops.simulate.web import BOT, BOUNCE, BROWSE, DEVICES, EARLIER_CART, ORDER, SOURCES, Sessions
from ops.simulate.world import World

NAMES = (
    "page_view",
    "product_view",
    "search",
    "add_to_cart",
    "remove_from_cart",
    "begin_checkout",
    "purchase",
    "feature_use",
)
VIEW, PRODUCT, SEARCH, ADD, REMOVE, CHECKOUT, PURCHASE, FEATURE = range(8)
PAGES = ("home", "search", "category", "product", "cart", "checkout", "account", "help")
_URLS = ("/", "/search", "/c", "/p", "/cart", "/checkout", "/account", "/help")
_TERMS = tuple(name.replace("_", " ") for name in FAMILY_NAMES)
_MISSPELT = ("cofee maschine", "ausverkauft xl", "iphnoe", "nachttischlmpe", "chausures", "zzz")
_PART_SESSIONS = 250_000


class _Steps:
    """Collects events of several kinds as flat arrays: session, seconds after its start, and what they carry."""

    def __init__(self) -> None:
        self.columns: dict[str, list[np.ndarray]] = {}

    def add(self, name: int, session: np.ndarray, after: np.ndarray, **carried: np.ndarray) -> None:
        size = len(session)
        values = {"name": np.full(size, name, "int8"), "session": session, "after": after.astype("int64")}
        for column in ("offer", "page", "term", "results", "feature"):
            values[column] = carried.get(column, np.full(size, -1)).astype("int32")
        for column, array in values.items():
            self.columns.setdefault(column, []).append(array)

    def arrays(self) -> dict[str, np.ndarray]:
        return {column: np.concatenate(parts) for column, parts in self.columns.items()}


def part_bounds(sessions: Sessions, span_days: int) -> list[tuple[int, int]]:
    """First and last session of every part: about a quarter of a year, or less when that is too much."""
    parts = max(round(span_days / 91), -(-sessions.size // _PART_SESSIONS), 1)
    edges = np.linspace(0, sessions.size, parts + 1).astype("int64")
    return [(int(a), int(b)) for a, b in pairwise(edges) if b > a]


def event_parts(
    world: World, demand: Demand, lines: Lines, sellers: Sellers, offers: Offers, sessions: Sessions
) -> Iterator[pl.DataFrame]:
    """The events table part by part, sessions in the order of their start."""
    number = 0
    for part, (first, last) in enumerate(part_bounds(sessions, world.days)):
        rng = world.rng(f"events.{part}")
        chunk = sessions.part(first, last)
        steps = _steps(world, rng, demand, lines, sellers, offers, chunk).arrays()
        at = chunk.start[steps["session"]] + seconds(steps["after"])
        order = np.lexsort((steps["name"], steps["after"], steps["session"]))
        order = order[at[order] <= world.cutoff]
        steps = {column: values[order] for column, values in steps.items()}
        yield _frame(world, rng, demand, offers, chunk, steps, at[order], number, first)
        number += len(order)


def _steps(
    world: World,
    rng: np.random.Generator,
    demand: Demand,
    lines: Lines,
    sellers: Sellers,
    offers: Offers,
    sessions: Sessions,
) -> _Steps:
    steps = _Steps()
    size, kind, length = sessions.size, sessions.kind, sessions.duration
    every = np.arange(size)
    has_order = (kind == ORDER) | (kind == EARLIER_CART)

    # Pages: the landing page first; some app sessions show none, a few of them only product screens.
    no_pages = (sessions.device == 3) & (kind == BROWSE) & chance(rng, size, 0.15)
    landing = every[~no_pages]
    page = np.where(chance(rng, len(landing), 0.45), 0, pick(rng, len(landing), (0, 1, 3, 5, 0, 0, 0.4, 0.4)))
    entered = draw_offers(rng, sessions.start, offers, sellers, np.arange(len(offers.seller)))
    steps.add(VIEW, landing, np.zeros(len(landing)), page=page, offer=entered[landing])
    more = rng.poisson(
        np.select([kind == ORDER, kind == BROWSE, kind == BOT, kind == BOUNCE], [1.6, 1.3, 4.0, 0.0], 1.2)
    )
    more = np.where(no_pages, 0, more)
    session = np.repeat(every, more)
    page = pick(rng, len(session), (1, 2, 3, 4, 0.7, 0, 0.6, 0.5))
    steps.add(VIEW, session, 2 + rng.random(len(session)) * 0.8 * length[session], page=page, offer=entered[session])
    at_checkout = every[(kind == ORDER) & chance(rng, size, 0.7)]
    steps.add(VIEW, at_checkout, 0.91 * length[at_checkout], page=np.full(len(at_checkout), 5))

    # Searches: the last terms are misspelt and find nothing; so do some of the others.
    session = every[chance(rng, size, np.select([kind == ORDER, kind == BROWSE, kind == BOT], [0.45, 0.4, 0.1], 0.1))]
    session = np.concatenate([session, session[chance(rng, len(session), 0.3)]])
    misspelt = chance(rng, len(session), 0.06)
    term = np.where(
        misspelt,
        len(_TERMS) + rng.integers(0, len(_MISSPELT), len(session)),
        rng.integers(0, len(_TERMS), len(session)),
    )
    results = np.where(misspelt | chance(rng, len(session), 0.05), 0, rng.integers(1, 120, len(session)))
    results = np.where(chance(rng, len(session), 0.03), -1, results)
    steps.add(SEARCH, session, 1 + rng.random(len(session)) * 0.4 * length[session], term=term, results=results)

    # Products: those of the order's lines, and others.
    line, session = _lines_of(lines, demand.size, sessions.order, every[has_order])
    steps.add(PRODUCT, session, (0.2 + 0.35 * rng.random(len(session))) * length[session], offer=lines.offer[line])
    # With an earlier cart most of its lines were put there then.
    carts = _carts(sessions)
    adds = np.where(carts[session], chance(rng, len(session), 0.15), chance(rng, len(session), 0.97))
    adds = np.where(kind[session] == EARLIER_CART, True, adds)
    steps.add(
        ADD,
        session[adds],
        (0.6 + 0.2 * rng.random(int(adds.sum()))) * length[session[adds]],
        offer=lines.offer[line[adds]],
    )

    looks = rng.poisson(np.select([kind == ORDER, kind == BROWSE, kind == BOT], [0.8, 1.0, 2.0], 0.0))
    session = np.repeat(every, looks)
    seen = draw_offers(rng, sessions.start[session], offers, sellers, np.arange(len(offers.seller)))
    steps.add(PRODUCT, session, 1 + (0.05 + 0.55 * rng.random(len(session))) * length[session], offer=seen)
    fills = (kind[session] == BROWSE) & chance(rng, len(session), 0.12)
    filled, what = session[fills], seen[fills]
    steps.add(ADD, filled, (0.62 + 0.2 * rng.random(len(filled))) * length[filled], offer=what)
    removed = chance(rng, len(filled), 0.25)
    steps.add(REMOVE, filled[removed], 0.87 * length[filled[removed]], offer=what[removed])
    checks = np.unique(filled)[chance(rng, len(np.unique(filled)), 0.35)]
    steps.add(CHECKOUT, checks, 0.9 * length[checks])

    # The checkout of the orders; of unpaid ones a half ends before the purchase event.
    bought = every[kind == ORDER]
    paid = ~np.isnat(demand.paid[sessions.order[bought]])
    steps.add(CHECKOUT, *_at(bought[chance(rng, len(bought), 0.97)], length, 0.9))
    bought = bought[paid | chance(rng, len(bought), 0.5)]
    steps.add(PURCHASE, bought, length[bought])
    twice = bought[chance(rng, len(bought), 0.01)]
    steps.add(PURCHASE, twice, length[twice])

    # Features: used in a share of the sessions since their release, by a few testers before it.
    for number, (_, part, share, _) in enumerate(FEATURES):
        released = sessions.start >= world.instant(int(part * world.days))
        users = every[chance(rng, size, np.where(released, share, share / 60)) & (kind != BOUNCE) & (kind != BOT)]
        steps.add(
            FEATURE, users, (0.1 + 0.5 * rng.random(len(users))) * length[users], feature=np.full(len(users), number)
        )
    return steps


def _at(session: np.ndarray, length: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    return session, share * length[session]


def _carts(sessions: Sessions) -> np.ndarray:
    """Whether an order session has a cart that an earlier session of this part filled."""
    earlier = sessions.order[sessions.kind == EARLIER_CART]
    return (sessions.kind == ORDER) & np.isin(sessions.order, earlier)


def _lines_of(lines: Lines, orders: int, order: np.ndarray, session: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every line of the sessions' orders, with its session."""
    width = np.bincount(lines.order, minlength=orders)
    first = np.cumsum(width) - width
    wide = width[order[session]]
    within = np.arange(wide.sum()) - np.repeat(np.cumsum(wide) - wide, wide)
    return np.repeat(first[order[session]], wide) + within, np.repeat(session, wide)


def _frame(
    world: World,
    rng: np.random.Generator,
    demand: Demand,
    offers: Offers,
    sessions: Sessions,
    steps: dict[str, np.ndarray],
    at: np.ndarray,
    number: int,
    first_session: int,
) -> pl.DataFrame:
    """The columns of the contract; texts of a session are made once per session and then taken per event."""
    session, name, offer = steps["session"], steps["name"], steps["offer"]
    size = len(session)
    kind = sessions.kind
    every = np.arange(sessions.size)
    order_of = np.where(kind == ORDER, sessions.order, -1)

    unique = pl.select(
        pl.when(pl.Series(kind == ORDER)).then(ids("w", order_of)).otherwise(ids("x", first_session + every))
    ).to_series()
    own = ids("", sessions.rank, 1)
    session_id = pl.select(
        pl.when(pl.Series(sessions.named == 1)).then(unique).when(pl.Series(sessions.named == 2)).then(own)
    ).to_series()
    # Browsing carts are named after their session; half of the sessions name none.
    cart = np.where(sessions.cart >= 0, sessions.cart, -1)
    browse_cart = np.where((kind == BROWSE) & (every % 2 == 0), first_session + every, -1)
    cart_id = pl.select(pl.coalesce(ids("n", cart), ids("y", browse_cart))).to_series()

    page = steps["page"]
    about_product = (name == PRODUCT) | (name == ADD) | (name == REMOVE)
    product_page = (page == 3) & (name == VIEW)
    product = np.where(about_product | product_page, offers.product[offer], -1)
    with_offer = about_product & ((name != PRODUCT) | (session % 4 > 0))
    in_cart = (name == ADD) | (name == REMOVE) | (name == CHECKOUT) | ((name == PURCHASE) & chance(rng, size, 0.9))
    logged_in = (name >= CHECKOUT) | (session % 5 < 3)
    buys = (name == PURCHASE) & chance(rng, size, 0.985)
    tells_source = (
        (name == VIEW) & (steps["after"] == 0) | (session % 8 == 0) | np.append(True, session[1:] != session[:-1])
    )
    has_load = (name == VIEW) & (sessions.device[session] != 3) & chance(rng, size, 0.93)
    slow = np.asarray([1.25, 0.85, 1.1, 1.0])[sessions.device[session]] * np.where(page == 3, 1.2, 1.0)
    slow = slow * world.slowness[world.day_number(at)]
    load = np.round(np.exp(rng.normal(7.4, 0.45, size)) * slow, -1)
    engaged = (name == VIEW) & (kind[session] != BOT) & chance(rng, size, 0.85)
    # Addresses: fixed pages, then products, then categories.
    product_ids = ids("p", np.arange(len(offers.product_created)), 6)
    addresses = pl.concat([pl.Series(_URLS), "/p/" + product_ids, "/c/" + pl.Series(CATEGORY_NAMES)])
    category = np.asarray(CATEGORY_OF_FAMILY)[offers.product_family[offers.product[offer]]]
    address = np.where(product_page, len(_URLS) + product, page)
    address = np.where(page == 2, len(_URLS) + len(product_ids) + category, address)
    hidden = sessions.start.astype("int64") % 50 == 0
    source = np.where(tells_source, sessions.source[session], -1)
    campaigns = [c.campaign_id for c in world.campaigns]
    return pl.DataFrame(
        {
            "event_id": ids("e", number + np.arange(size), 8),
            "occurred_at": instants(at),
            "event_name": labels(NAMES, name),
            "visitor_id": take(ids("u", sessions.visitor), session),
            "session_id": take(session_id, session),
            "customer_id": take(ids("c", sessions.customer), np.where(logged_in, session, -1)),
            "cart_id": take(cart_id, np.where(in_cart, session, -1)),
            "order_id": take(ids("o", order_of), np.where(buys, session, -1)),
            "product_id": labels(product_ids, product),
            "seller_id": labels(
                ids("s", np.arange(offers.seller.max() + 1), 5), np.where(with_offer, offers.seller[offer], -1)
            ),
            "offer_id": labels(
                ids("f", np.arange(len(offers.seller)), 6), np.where(with_offer & (name != PRODUCT), offer, -1)
            ),
            "page_url": labels(addresses, np.where(name == VIEW, address, -1)),
            "page_type": labels(PAGES, np.where(name == VIEW, page, -1)),
            "search_term": labels((*_TERMS, *_MISSPELT), steps["term"]),
            "search_results": counts(steps["results"], steps["results"] >= 0),
            "feature": labels([f[0] for f in FEATURES], steps["feature"]),
            "engagement_ms": counts(np.round(rng.exponential(9000.0, size), -2), engaged),
            "load_ms": counts(load, has_load),
            "source": labels([s[0] for s in SOURCES], source),
            "medium": labels([s[1] for s in SOURCES], source),
            "campaign_id": labels(campaigns, np.where(tells_source, sessions.campaign[session], -1)),
            "device": labels(DEVICES, sessions.device[session]),
            "country": labels(
                [c.code for c in world.profile.countries], np.where(hidden, -1, sessions.country)[session]
            ),
            "region": labels([r[1] for r in demand.regions], np.where(hidden, -1, sessions.region)[session]),
            "is_bot": flags(kind[session] == BOT, (kind[session] == BOT) | (session % 9 > 0)),
        }
    )
