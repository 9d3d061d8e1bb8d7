"""Exchange rates, seller fees and operating costs."""

import numpy as np
import polars as pl

from ops.simulate.parties import Sellers
from ops.simulate.tools import chance, ids, instants, money, seconds, words
from ops.simulate.world import World

_FEE_KINDS = ("subscription", "advertising", "logistics", "penalty", "other")
_SUBSCRIPTION = (0, 1900, 5900)
_COST_KINDS = ("hosting", "support", "fraud", "staff", "other")


def exchange_rates_table(world: World) -> pl.DataFrame:
    """One row per foreign currency and day, from ten days before the span (EUR itself is 1 and has no row)."""
    days = pl.Series(world.rate_days)
    parts = [
        pl.DataFrame({"rate_date": days, "rate_to_eur": rates}).with_columns(currency=pl.lit(code))
        for code, rates in world.rates.items()
        if code != "EUR"
    ]
    empty = pl.DataFrame(schema={"rate_date": pl.Date, "rate_to_eur": pl.Float64, "currency": pl.String})
    return pl.concat([empty, *parts]).sort("rate_date", "currency", maintain_order=True)


def _month_starts(world: World) -> np.ndarray:
    """Day numbers of the first day of every month in the span (the span's first day included)."""
    months = world.local_days.astype("M8[M]")
    return np.flatnonzero(np.append(True, months[1:] != months[:-1]))


def seller_fees_table(world: World, sellers: Sellers) -> pl.DataFrame:
    """One row per fee: monthly ones of selling sellers, penalties of bad ones, in the seller's currency."""
    rng = world.rng("seller_fees")
    month, seller = (a.ravel() for a in np.meshgrid(_month_starts(world), np.arange(sellers.size), indexing="ij"))
    at = world.instant(month, 6.0) + seconds(rng.integers(0, 3 * 86_400, len(month)))
    selling = sellers.may_sell(seller, at)
    weight = sellers.weight / sellers.weight.mean()
    amounts = (
        np.asarray(_SUBSCRIPTION)[sellers.plan[seller]],
        np.where(seller % 4 == 0, rng.uniform(0.5, 1.5, len(seller)) * 2500 * weight[seller], 0),
        np.where(sellers.platform_fulfilled[seller], rng.uniform(0.6, 1.4, len(seller)) * 1200 * weight[seller], 0),
        np.where(chance(rng, len(seller), 0.35 * sellers.badness(seller, at)), 2500, 0),
        np.where(chance(rng, len(seller), 0.01), rng.uniform(500, 4000, len(seller)), 0),
    )
    codes = [c.currency for c in world.profile.countries]
    parts = []
    for kind, amount in zip(_FEE_KINDS, amounts, strict=True):
        charged = np.flatnonzero(selling & (amount >= 1))
        parts.append(
            pl.DataFrame(
                {
                    "seller_id": ids("s", seller[charged], 5),
                    "charged_at": instants(at[charged]),
                    "kind": pl.repeat(kind, len(charged), eager=True),
                    "amount": money(np.round(amount[charged])),
                    "currency": words(codes, sellers.country[seller[charged]]),
                }
            )
        )
    fees = pl.concat(parts).sort("charged_at", "seller_id", "kind", maintain_order=True)
    return fees.with_columns(ids("g", np.arange(fees.height), 6).alias("fee_id"))


def operating_costs_table(world: World) -> pl.DataFrame:
    """One row per cost: staff, hosting (in a foreign currency) and others monthly, support and fraud weekly."""
    rng = world.rng("operating_costs")
    months = _month_starts(world)
    weeks = np.arange(0, world.days, 7)
    scale = 100 * world.settings.orders / world.days
    foreign = next((c.currency for c in world.profile.countries if c.currency != world.currency), world.currency)
    # kind: days it is charged, days it is charged for, its part of a unit of money per order, currency
    plan = {
        "hosting": (months, 30, 0.35, foreign),
        "support": (weeks, 7, 0.5, world.currency),
        "fraud": (weeks, 7, 0.12, world.currency),
        "staff": (months, 30, 2.2, world.currency),
        "other": (months, 30, 0.2, world.currency),
    }
    parts = []
    for kind in _COST_KINDS:
        days, length, level, currency = plan[kind]
        amount = np.maximum(1, np.round(scale * length * level * rng.uniform(0.85, 1.15, len(days))))
        parts.append(
            pl.DataFrame(
                {
                    "cost_date": pl.Series(world.local_days[days]),
                    "kind": pl.repeat(kind, len(days), eager=True),
                    "amount": money(amount),
                    "currency": pl.repeat(currency, len(days), eager=True),
                }
            )
        )
    costs = pl.concat(parts).sort("cost_date", "kind", maintain_order=True)
    return costs.with_columns(ids("h", np.arange(costs.height), 5).alias("cost_id"))
