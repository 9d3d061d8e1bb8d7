"""What every subject of a simulation shares: the calendar, the exchange rates, the campaigns, what is planted."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import available_timezones

import numpy as np

from ops.simulate.profiles import RATES, Profile, holidays, profile_of
from ops.simulate.settings import Settings
from ops.simulate.tools import DAY, pick, stream, to_utc

_MONTH = (0.92, 0.86, 0.93, 0.95, 0.98, 1.0, 0.93, 0.84, 1.02, 1.06, 1.32, 1.40)
_WEEKDAY = (1.45, 1.05, 0.96, 0.93, 0.88, 0.80, 0.98)
_YEARLY_GROWTH = 1.5
_HOLIDAY = 0.65
_RATES_LEAD_DAYS = 10


@dataclass(frozen=True)
class Campaign:
    """One advertising campaign with its active window in day numbers, both included."""

    campaign_id: str
    name: str
    platform: str
    channel: str
    objective: str
    audience: str
    currency: str
    daily_cost: float
    first: int
    last: int


@dataclass
class World:
    """The frame of one simulation; day numbers count business days from 0 (`first_day`) to `days - 1`.

    `budget_moves` multiplies the advertising of every day, and two days later the visits of strangers; `slowness`
    multiplies the time that pages take to load.
    """

    settings: Settings
    profile: Profile
    zone: str
    currency: str
    first_day: date
    start: np.datetime64
    cutoff: np.datetime64
    local_days: np.ndarray
    day_weights: np.ndarray
    rates: dict[str, np.ndarray]
    campaigns: list[Campaign]
    budget_moves: np.ndarray
    slowness: np.ndarray
    truth: dict = field(default_factory=dict)

    @property
    def days(self) -> int:
        """The number of business days."""
        return self.settings.days

    def rng(self, subject: str) -> np.random.Generator:
        """The random stream of one subject."""
        return stream(self.settings.seed, subject)

    def day_number(self, instants: np.ndarray) -> np.ndarray:
        """The day number of UTC instants, near enough for prices and trends (UTC day, clipped to the span)."""
        days = (instants.astype("M8[D]") - np.datetime64(self.first_day, "D")).astype("int64")
        return days.clip(0, self.days - 1)

    def rate_between(self, source: np.ndarray, target: np.ndarray, day: np.ndarray, codes: list[str]) -> np.ndarray:
        """Units of currency `codes[target]` for one unit of `codes[source]` on a day number."""
        table = np.stack([self.rates[code] for code in codes])[:, _RATES_LEAD_DAYS:]
        return table[source, day] / table[target, day]

    @property
    def rate_days(self) -> np.ndarray:
        """The days that `rates` cover: from ten days before the span, so that every amount finds a rate."""
        return np.datetime64(self.first_day, "D") + np.arange(-_RATES_LEAD_DAYS, self.days)

    def instant(self, day: np.ndarray | int, hour: float = 0.0) -> np.ndarray:
        """UTC instants some hours after UTC midnight of day numbers."""
        base = np.datetime64(self.first_day, "s") + np.asarray(day, dtype="int64") * DAY
        return base + np.timedelta64(int(hour * 3600), "s")

    def while_up(self, at: np.ndarray) -> np.ndarray:
        """The instants, those of an outage or incident put off by one day to six, as far as the span goes."""
        for planted in self.truth["anomalous_days"]:
            if planted["kind"] in _DOWN:
                day = np.datetime64(planted["date"], "s")
                begin, end = to_utc(np.array([day, day + DAY]), self.zone)
                inside = np.flatnonzero((at >= begin) & (at < end))
                wait = np.minimum(1 + np.arange(len(inside)) % 6, (self.cutoff - at[inside]) // DAY)
                at[inside] += wait * DAY
        return at

    def uniform_instants(
        self, rng: np.random.Generator, size: int, first: float = 0.0, last: float = 1.0
    ) -> np.ndarray:
        """Instants spread evenly over a part of the span (0 = its start, 1 = its end)."""
        span = (self.cutoff - self.start).astype("int64")
        return self.start + ((first + (last - first) * rng.random(size)) * span).astype("int64").astype("m8[s]")


def _calendar(settings: Settings, profile: Profile, first: date, truth: dict, campaigns: list[Campaign]) -> np.ndarray:
    """Weight of every (day, country): growth, season, weekday, sales, holidays, the lifted campaign, odd days."""
    days = [first + timedelta(days=d) for d in range(settings.days)]
    weights = np.array([_WEEKDAY[d.weekday()] for d in days])
    weights *= stream(settings.seed, "calendar").lognormal(0.0, 0.06, settings.days)
    if settings.plain:
        return np.outer(weights, [c.weight for c in profile.countries])
    weights *= np.array([_MONTH[d.month - 1] for d in days])
    weights *= _YEARLY_GROWTH ** (np.arange(settings.days) / 365)
    for number, day in enumerate(days):
        black_friday = date(day.year, 11, 1) + timedelta(days=(3 - date(day.year, 11, 1).weekday()) % 7 + 22)
        if timedelta(days=-3) <= day - black_friday <= timedelta(days=3):
            weights[number] *= 2.1
        if (day.month, day.day) in {(1, d) for d in range(8, 15)} | {(6, d) for d in range(24, 31)}:
            weights[number] *= 1.35
        if day.month == 12 and day.day >= 21:
            weights[number] *= 0.6
    by_country = np.outer(weights, [c.weight for c in profile.countries])
    for column, country in enumerate(profile.countries):
        for day in holidays(country, days[0], days[-1]):
            by_country[(day - first).days, column] *= _HOLIDAY
    for campaign in campaigns:
        if campaign.campaign_id == truth["campaign_lift"]["campaign_id"]:
            by_country[campaign.first : campaign.last + 1] *= truth["campaign_lift"]["order_factor"]
    for day in truth["anomalous_days"]:
        by_country[(date.fromisoformat(day["date"]) - first).days] *= day["order_factor"]
    return by_country


ANNIVERSARY, INCIDENT = "Anniversary sale", "Site down"


_DOWN = ("outage", "incident")


def _anomalous_days(settings: Settings, first: date) -> list[dict]:
    """Days that no season explains, all in the last third of the span.

    A spike and an outage that nobody explains; and an incident and a sale of two days, which the operator's own
    calendar names (`explained_by`). Nobody orders in an outage or incident, both on a Monday, the busiest day.
    """
    planned = (
        (0.72, 2.4, "sale", ANNIVERSARY),
        (0.80, 3.6, "spike", None),
        (0.88, 0.0, "incident", INCIDENT),
        (0.97, 0.0, "outage", None),
    )
    found = []
    for part, factor, kind, explained_by in () if settings.plain else planned:
        if settings.days < (90 if explained_by else 30):
            continue
        day = first + timedelta(days=int(part * (settings.days - 1)))
        if kind in _DOWN:
            day -= timedelta(days=day.weekday())
        for number in range(2 if kind == "sale" else 1):
            found.append(
                {
                    "date": (day + timedelta(days=number)).isoformat(),
                    "kind": kind,
                    "order_factor": factor,
                    "explained_by": explained_by,
                }
            )
    return found


LAG_DAYS = 2


def _budget_moves(settings: Settings) -> np.ndarray:
    """What the advertising of every day is multiplied by: planted in the last 200 days, where there are as many."""
    moves = np.ones(settings.days)
    if settings.days >= 240 and not settings.plain:
        moves[-200:] = stream(settings.seed, "budget_moves").lognormal(0.0, 0.2, 200)
    return moves


_SLOWER, _SLOWER_DAYS = 1.3, 98


def _slowness(settings: Settings) -> np.ndarray:
    """What the loading time of pages is multiplied by: it grows steadily over the last fourteen weeks."""
    slowness = np.ones(settings.days)
    if settings.days >= 240 and not settings.plain:
        slowness[-_SLOWER_DAYS:] = np.linspace(1.0, _SLOWER, _SLOWER_DAYS)
    return slowness


_PLATFORMS = (
    # platform, channel, objective, audience, share of the advertising cost, currency (home or foreign)
    ("google_ads", "paid_search", "sales", "buyers", 0.30, "home"),
    ("google_ads", "paid_search", "traffic", "buyers", 0.12, "home"),
    ("meta_ads", "paid_social", "sales", "buyers", 0.16, "home"),
    ("meta_ads", "paid_social", "retention", "buyers", 0.08, "home"),
    ("tiktok_ads", "paid_social", "traffic", "buyers", 0.07, "foreign"),
    ("criteo", "display", "sales", "buyers", 0.07, "home"),
    ("awin", "affiliates", "sales", "buyers", 0.06, "foreign"),
    ("meta_ads", "paid_social", "leads", "buyers", 0.05, "home"),
    ("linkedin_ads", "paid_social", "leads", "sellers", 0.05, "foreign"),
    ("google_ads", "paid_search", "sales", "sellers", 0.04, "home"),
)


def _campaigns(settings: Settings, profile: Profile, currency: str) -> list[Campaign]:
    """Two campaigns per platform line: one always on, one in a window; and the campaign whose lift is planted."""
    rng = stream(settings.seed, "campaigns")
    foreign = next((c.currency for c in profile.countries if c.currency != currency), currency)
    # About six units of money of advertising per order.
    budget = 7.0 * settings.orders / settings.days
    campaigns = []
    last = settings.days - 1
    for platform, channel, objective, audience, share, money in _PLATFORMS:
        code = currency if money == "home" else foreign
        begin = int(rng.integers(0, max(1, settings.days // 2)))
        windows = ((0, last, 0.7, "always on"), (begin, min(last, begin + 75), 1.1, "season"))
        for first, end, part, label in windows:
            number = len(campaigns) + 1
            name = f"{objective.capitalize()} {audience} {channel.replace('_', ' ')} ({label})"
            campaigns.append(
                Campaign(
                    f"cmp{number:03d}",
                    name,
                    platform,
                    channel,
                    objective,
                    audience,
                    code,
                    budget * share * part,
                    first,
                    end,
                )
            )
    lifted = int(0.68 * last)
    campaigns.append(
        Campaign(
            f"cmp{len(campaigns) + 1:03d}", "Takeover", "meta_ads", "paid_social", "sales", "buyers", currency,
            budget * 0.9, lifted, min(last, lifted + 13),
        )
    )  # fmt: skip
    return campaigns


def build_world(settings: Settings) -> World:
    """Everything that is decided before anybody buys."""
    profile = profile_of(settings.seed)
    zone = settings.timezone or profile.zone
    currency = settings.reporting_currency or profile.currency
    if zone not in available_timezones():
        raise ValueError(f"unknown time zone {zone!r}")
    if currency not in RATES:
        raise ValueError(f"no exchange rate known for currency {currency!r}; known: {', '.join(RATES)}")
    first = settings.end - timedelta(days=settings.days - 1)
    start = to_utc(np.array([first], dtype="M8[s]"), zone)[0]
    business_end = to_utc(np.array([settings.end + timedelta(days=1)], dtype="M8[s]"), zone)[0]
    utc_end = np.datetime64(settings.end + timedelta(days=1), "s")
    cutoff = min(business_end, utc_end) - np.timedelta64(1, "s")

    rates = {}
    length = settings.days + _RATES_LEAD_DAYS
    for code in sorted({*(c.currency for c in profile.countries), currency}):
        walk = np.cumsum(stream(settings.seed, f"exchange_rates.{code}").normal(0.0, 0.0035, length))
        trend = walk - np.linspace(0.0, walk[-1], length) * 0.7
        rates[code] = np.ones(length) if code == "EUR" else np.round(RATES[code] * np.exp(trend), 6)

    campaigns = _campaigns(settings, profile, currency)
    truth = {
        "profile": profile.name,
        "business_timezone": zone,
        "reporting_currency": currency,
        "first_day": first.isoformat(),
        "last_day": settings.end.isoformat(),
        "currencies": sorted(rates),
        "countries": [c.code for c in profile.countries],
        "anomalous_days": _anomalous_days(settings, first),
        "campaign_lift": {
            "campaign_id": campaigns[-1].campaign_id,
            "first_day": (first + timedelta(days=campaigns[-1].first)).isoformat(),
            "last_day": (first + timedelta(days=campaigns[-1].last)).isoformat(),
            "order_factor": 1.0 if settings.plain else 1.6,
        },
        "trends": [
            {
                "kpi_id": "page_load_p75",
                "from": (settings.end - timedelta(days=_SLOWER_DAYS - 1)).isoformat(),
                "to": settings.end.isoformat(),
                "factor": _SLOWER,
            }
        ]
        if settings.days >= 240 and not settings.plain
        else [],
        "lagged_pairs": [
            {
                "first_kpi_id": "ad_spend",
                "second_kpi_id": "sessions",
                "lag_days": LAG_DAYS,
                "from": (settings.end - timedelta(days=199)).isoformat(),
                "to": settings.end.isoformat(),
            }
        ]
        if settings.days >= 240 and not settings.plain
        else [],
    }
    return World(
        settings=settings,
        profile=profile,
        zone=zone,
        currency=currency,
        first_day=first,
        start=start,
        cutoff=cutoff,
        local_days=np.array([first + timedelta(days=d) for d in range(settings.days)], dtype="M8[D]"),
        day_weights=_calendar(settings, profile, first, truth, campaigns),
        rates=rates,
        campaigns=campaigns,
        budget_moves=_budget_moves(settings),
        slowness=_slowness(settings),
        truth=truth,
    )


def trend_pick(world: World, rng: np.random.Generator, size: int) -> np.ndarray:
    """Day numbers drawn like the orders of all countries."""
    return pick(rng, size, world.day_weights.sum(axis=1))
