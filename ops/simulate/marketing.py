"""Leads, advertising spend, features and experiments."""

import numpy as np
import polars as pl

from ops.simulate.demand import Demand
from ops.simulate.parties import Sellers
from ops.simulate.tools import DAY, NAT, chance, exponential_days, ids, instants, pick, where, words
from ops.simulate.world import World

LEAD_CHANNELS = ("paid_social", "paid_search", "organic_search", "email", "referral", "direct", "affiliates", "display")


def leads_table(world: World, demand: Demand, sellers: Sellers) -> pl.DataFrame:
    """One row per lead: buyers and sellers, some people twice, some qualified, some converted into an account."""
    rng = world.rng("leads")
    campaigns = [c for c in world.campaigns if c.objective == "leads"]
    parts = []
    accounts = {
        "buyers": (demand.customer_created, 0.09, 0.05),
        "sellers": (sellers.registered, 0.7, 1.2),
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
                "customer_id": ids("c", account) if audience == "buyers" else pl.repeat(None, size, dtype=pl.String, eager=True),
                "seller_id": ids("s", account, 5) if audience == "sellers" else pl.repeat(None, size, dtype=pl.String, eager=True),
            }
        )
        again = frame[twice].with_columns(
            instants(at[twice] + exponential_days(rng, len(twice), 9.0)).alias("created_at"),
            pl.lit(None, pl.Datetime("us")).alias("qualified_at"),
            pl.lit(None, pl.Datetime("us")).alias("converted_at"),
        )
        parts += [frame, again]
    leads = pl.concat(parts).sort("created_at", "person_key", "audience", nulls_last=True)
    return leads.with_columns(ids("d", np.arange(leads.height), 6).alias("lead_id"))
