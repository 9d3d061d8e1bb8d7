"""Exchange rates, seller fees and operating costs."""

import numpy as np
import polars as pl

from ops.simulate.world import World


def exchange_rates_table(world: World) -> pl.DataFrame:
    """One row per foreign currency and day, from ten days before the span (EUR itself is 1 and has no row)."""
    days = pl.Series(world.rate_days)
    parts = [
        pl.DataFrame({"rate_date": days, "rate_to_eur": rates}).with_columns(currency=pl.lit(code))
        for code, rates in world.rates.items()
        if code != "EUR"
    ]
    empty = pl.DataFrame(schema={"rate_date": pl.Date, "rate_to_eur": pl.Float64, "currency": pl.String})
    return pl.concat([empty, *parts]).sort("rate_date", "currency")
