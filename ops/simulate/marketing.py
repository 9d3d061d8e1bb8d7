"""Leads, advertising spend, features and experiments."""

import numpy as np
import polars as pl

from ops.simulate.demand import Demand
from ops.simulate.parties import Sellers
from ops.simulate.tools import DAY, NAT, chance, exponential_days, ids, instants, money, pick, where, words
from ops.simulate.world import World

LEAD_CHANNELS = ("paid_social", "paid_search", "organic_search", "email", "referral", "direct", "affiliates", "display")

# feature, share of the span at its release (0 = before the span's first day), share of the sessions, description
FEATURES = (
    ("wish_list", 0.0, 0.07, "Keep products for later"),
    ("price_alert", 0.25, 0.05, "Tell me when the price falls"),
    ("visual_search", 0.5, 0.04, "Search by photograph"),
    ("one_click_reorder", 0.7, 0.03, "Buy a past order again"),
)


def leads_table(world: World, demand: Demand, sellers: Sellers) -> pl.DataFrame:
    """One row per lead: buyers and sellers, some people twice, some qualified, some converted into an account."""
    rng = world.rng("leads")
    campaigns = [c for c in world.campaigns if c.objective == "leads"]
    parts = []
    accounts = {
        "buyers": (demand.customer_created, 0.07, 0.3),
        "sellers": (sellers.registered, 0.6, 2.2),
    }
    for audience, (created, converted_share, others_share) in accounts.items():
        inside = np.flatnonzero((created > world.start + 15 * DAY) & chance(rng, len(created), converted_share))
        before = created[inside] - exponential_days(rng, len(inside), 14.0)
        at = np.maximum(before, world.start + 3600)
        others = round(others_share * len(created))
        at = np.concatenate([at, world.uniform_instants(rng, others)])
        account = np.concatenate([inside, np.full(others, -1)])
        size = len(at)
        converted = np.where(account >= 0, np.append(created, NAT)[account], NAT)
        # A lead cannot convert before it is created: clocks of two tools disagree by minutes at most.
        converted = np.maximum(converted, at)
        qualified = where(chance(rng, size, np.where(account >= 0, 0.95, 0.4)), at + exponential_days(rng, size, 2.0))
        day = world.day_number(at)
        channel = pick(rng, size, (0.3, 0.14, 0.16, 0.12, 0.1, 0.1, 0.05, 0.03))
        campaign = np.full(size, -1)
        for number, spot in enumerate(campaigns):
            running = (spot.audience == audience) & (day >= spot.first) & (day <= spot.last)
            own = running & (channel == LEAD_CHANNELS.index(spot.channel)) & (rng.random(size) < 0.8)
            campaign[own] = number
        person = np.arange(size)
        twice = np.flatnonzero(chance(rng, size, 0.12))
        frame = pl.DataFrame(
            {
                "created_at": instants(at),
                "person_key": ids(f"{audience}-", np.where(chance(rng, size, 0.03), -1, person)) + "@lead.example",
                "audience": pl.repeat(audience, size, eager=True),
                "channel": words(LEAD_CHANNELS, channel),
                "campaign_id": words([c.campaign_id for c in campaigns], campaign),
                "qualified_at": instants(qualified),
                "converted_at": instants(converted),
                "customer_id": ids("c", account)
                if audience == "buyers"
                else pl.repeat(None, size, dtype=pl.String, eager=True),
                "seller_id": ids("s", account, 5)
                if audience == "sellers"
                else pl.repeat(None, size, dtype=pl.String, eager=True),
            }
        )
        again = frame[twice].with_columns(
            instants(at[twice] + exponential_days(rng, len(twice), 9.0)).alias("created_at"),
            pl.lit(None, pl.Datetime("us")).alias("qualified_at"),
            pl.lit(None, pl.Datetime("us")).alias("converted_at"),
        )
        parts += [frame, again]
    leads = pl.concat(parts).sort("created_at", "person_key", "audience", nulls_last=True, maintain_order=True)
    return leads.with_columns(ids("d", np.arange(leads.height), 6).alias("lead_id"))


def features_table(world: World) -> pl.DataFrame:
    """One row per feature with its release."""
    released = [world.start if f[1] == 0 else world.instant(int(f[1] * world.days)) for f in FEATURES]
    return pl.DataFrame(
        {
            "feature": [f[0] for f in FEATURES],
            "released_at": instants(np.asarray(released, dtype="M8[s]")),
            "description": [f[3] for f in FEATURES],
        }
    )


def ad_spend_table(world: World) -> pl.DataFrame:
    """One row per campaign and active day (a few days are missing)."""
    rng = world.rng("ad_spend")
    season = world.day_weights.sum(axis=1)
    season = season / season.mean()
    # channel: cost of a click in units of the reporting currency, click-through rate
    price = {
        "paid_search": (0.45, 0.045),
        "paid_social": (0.35, 0.012),
        "display": (0.30, 0.004),
        "affiliates": (0.55, 0.06),
    }
    parts = []
    for campaign in world.campaigns:
        days = np.arange(campaign.first, campaign.last + 1)
        days = days[chance(rng, len(days), 0.985)]
        click, rate = price[campaign.channel]
        exchange = world.rates[world.currency][0] / world.rates[campaign.currency][0]
        cost = campaign.daily_cost * exchange * season[days] * rng.lognormal(0.0, 0.2, len(days))
        cost *= world.budget_moves[days]
        clicks = rng.poisson(cost / exchange / (click * rng.lognormal(0.0, 0.1, len(days))))
        impressions = clicks + rng.poisson(cost / exchange / click / rate)
        parts.append(
            pl.DataFrame(
                {
                    "spend_date": pl.Series(world.local_days[days]),
                    "platform": pl.repeat(campaign.platform, len(days), eager=True),
                    "campaign_id": pl.repeat(campaign.campaign_id, len(days), eager=True),
                    "campaign_name": pl.repeat(campaign.name, len(days), eager=True),
                    "channel": pl.repeat(campaign.channel, len(days), eager=True),
                    "objective": pl.repeat(campaign.objective, len(days), eager=True),
                    "audience": pl.repeat(campaign.audience, len(days), eager=True),
                    "impressions": impressions,
                    "clicks": clicks,
                    "cost": money(np.round(cost * 100)),
                    "currency": pl.repeat(campaign.currency, len(days), eager=True),
                }
            )
        )
    return pl.concat(parts).sort("spend_date", "campaign_id", maintain_order=True)
