"""Money without rounding: amounts are whole numbers of a tiny unit of the reporting currency, summed exactly."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from fractions import Fraction

import polars as pl

from python_checks.recompute.judge import MONEY_PLACES

UNIT_PLACES = 16  # of a converted amount
FACTOR_PLACES = 18
MOST_RATE_AGE = dt.timedelta(days=7)
HUB = "EUR"


class MissingRateError(Exception):
    """No exchange rate for a currency that is needed; the message names currency and day."""


def as_number(units: pl.Expr) -> pl.Expr:
    """Exact units as an amount."""
    return units.cast(pl.Float64) / 10**UNIT_PLACES


class Money:
    """Converts amounts of the extracts into exact units of the reporting currency."""

    def __init__(self, exchange_rates: pl.DataFrame, reporting: str) -> None:
        self.reporting = reporting
        self._days: dict[str, list[dt.date]] = {}
        self._rates: dict[str, list[Fraction]] = {}
        columns = ("rate_date", "currency", "rate_to_eur")
        for day, currency, rate in exchange_rates.sort("rate_date").select(columns).iter_rows():
            self._days.setdefault(currency, []).append(day)
            self._rates.setdefault(currency, []).append(Fraction(rate))

    def to_eur(self, currency: str, day: dt.date) -> Fraction:
        """Latest rate on or before the day, at most seven days old; 1 for EUR. Raises MissingRateError."""
        if currency == HUB:
            return Fraction(1)
        days = self._days.get(currency, [])
        latest = bisect_right(days, day) - 1
        if latest < 0 or day - days[latest] > MOST_RATE_AGE:
            raise MissingRateError(f"no exchange rate for {currency} on {day} (at most {MOST_RATE_AGE.days} days old)")
        return self._rates[currency][latest]

    def factor(self, currency: str, day: dt.date) -> Fraction:
        """What one unit of a currency is worth in the reporting currency on a day."""
        if currency == self.reporting:
            return Fraction(1)
        return self.to_eur(currency, day) / self.to_eur(self.reporting, day)

    def convert(self, frame: pl.DataFrame, amounts: list[str], day: str, currency: str = "currency") -> pl.DataFrame:
        """The frame with its amounts as exact units, at the rate of the row's day; an absent amount is 0."""
        present = frame.filter(pl.any_horizontal(pl.col(amounts).is_not_null()))
        pairs = present.select(currency, day).unique().sort(currency, day)
        factors = [round(self.factor(*pair) * 10**FACTOR_PLACES) for pair in pairs.iter_rows()]
        pairs = pairs.with_columns(pl.Series("_factor", factors, dtype=pl.Int128))
        surplus = 10 ** (MONEY_PLACES + FACTOR_PLACES - UNIT_PLACES)
        return (
            frame.join(pairs, on=[currency, day], how="left", maintain_order="left")
            .with_columns(
                (pl.col(amounts).cast(pl.Int128) * pl.col("_factor") // surplus).fill_null(0).cast(pl.Int128)
            )
            .drop("_factor")
        )
