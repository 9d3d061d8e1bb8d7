"""Vectorised helpers: random streams, weighted picks, time zones, identifiers.

Instants are numpy `datetime64[s]` in UTC, absent ones are NaT; amounts are whole cents.
"""

import zlib
from collections.abc import Sequence

import numpy as np
import polars as pl

DAY = np.timedelta64(86_400, "s")
NAT = np.datetime64("NaT", "s")


def stream(seed: int, subject: str) -> np.random.Generator:
    """The random stream of one subject; streams of other subjects never change it."""
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(zlib.crc32(subject.encode()),)))


def pick(rng: np.random.Generator, size: int, weights: Sequence[float] | np.ndarray) -> np.ndarray:
    """`size` indices drawn with the given weights."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    return np.searchsorted(edges, rng.random(size) * edges[-1], side="right").clip(max=len(edges) - 1)


def chance(rng: np.random.Generator, size: int, probability: float | np.ndarray) -> np.ndarray:
    """`size` booleans, true with the given probability."""
    return rng.random(size) < probability


def seconds(values: np.ndarray) -> np.ndarray:
    """Numbers of seconds as `timedelta64[s]`."""
    return np.asarray(values).astype("int64").astype("m8[s]")


def hours(values: np.ndarray) -> np.ndarray:
    """Numbers of hours as `timedelta64[s]`."""
    return seconds(np.asarray(values) * 3600)


def lognormal_hours(rng: np.random.Generator, size: int, median: float | np.ndarray, sigma: float) -> np.ndarray:
    """Durations with a long right tail around a median in hours, as `timedelta64[s]`."""
    return hours(np.exp(rng.normal(0.0, sigma, size)) * median)


def exponential_days(rng: np.random.Generator, size: int, mean: float | np.ndarray) -> np.ndarray:
    """Exponential durations with a mean in days, as `timedelta64[s]`."""
    return seconds(rng.exponential(1.0, size) * mean * 86_400)


def where(condition: np.ndarray, instants: np.ndarray) -> np.ndarray:
    """The instants where the condition holds, NaT elsewhere."""
    return np.where(condition, instants, NAT)


def to_utc(local: np.ndarray, zone: str) -> np.ndarray:
    """Wall-clock instants of a time zone in UTC. A repeated hour is its first pass; a skipped one moves on an hour."""
    utc, skipped = (
        pl.Series(wall.astype("M8[us]")).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        for wall in (local.astype("M8[s]"), local.astype("M8[s]") + np.timedelta64(3600, "s"))
    )
    utc = pl.select(pl.coalesce(utc, skipped)).to_series()
    return utc.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy().astype("M8[s]")


def local_time(utc: np.ndarray, zone: str) -> np.ndarray:
    """UTC instants as wall-clock instants of a time zone (NaT stays NaT)."""
    series = pl.Series(utc.astype("M8[us]")).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return series.dt.replace_time_zone(None).to_numpy().astype("M8[s]")


def local_day(utc: np.ndarray, zone: str) -> np.ndarray:
    """The calendar day of UTC instants in a time zone."""
    return local_time(utc, zone).astype("M8[D]")


def time_of_day(rng: np.random.Generator, size: int, hour_weights: Sequence[float]) -> np.ndarray:
    """Times of day as `timedelta64[s]`, the hour drawn with 24 weights."""
    return seconds(pick(rng, size, hour_weights) * 3600 + rng.integers(0, 3600, size))


def ids(prefix: str, numbers: np.ndarray, width: int = 7) -> pl.Series:
    """Text identifiers such as `o0000042`; negative numbers give null."""
    series = pl.Series(np.asarray(numbers, dtype="int64"))
    text = pl.select(pl.when(series >= 0).then(pl.lit(prefix) + series.cast(pl.String).str.zfill(width))).to_series()
    return text


def take(texts: pl.Series, index: np.ndarray) -> pl.Series:
    """`texts[index]`; a negative index gives null."""
    index = np.asarray(index, dtype="int64")
    with_null = pl.concat([texts, pl.Series([None], dtype=texts.dtype)])
    return with_null.gather(np.where(index < 0, len(texts), index))


def words(choices: Sequence[str | None], index: np.ndarray) -> pl.Series:
    """`choices[index]` as text; a negative index gives null."""
    return take(pl.Series(choices, dtype=pl.String), index)


def labels(choices: Sequence[str | None] | pl.Series, index: np.ndarray) -> pl.Series:
    """As `words`, held as codes: several times faster to take and to write where millions share a few texts."""
    texts = pl.Series(choices, dtype=pl.String)
    return take(texts.cast(pl.Enum(texts.drop_nulls().unique(maintain_order=True))), index)


def instants(values: np.ndarray) -> pl.Series:
    """Instants as a polars timestamp column (NaT becomes null)."""
    return pl.Series(np.asarray(values).astype("M8[us]"))


def flags(values: np.ndarray, known: np.ndarray | None = None) -> pl.Series:
    """Booleans, null where they are not known."""
    series = pl.Series(np.asarray(values, dtype=bool))
    return series if known is None else pl.select(pl.when(pl.Series(known)).then(series)).to_series()


def money(cents: np.ndarray, known: np.ndarray | None = None) -> pl.Series:
    """Whole cents as a decimal column with two places, null where not known."""
    series = (pl.Series(np.asarray(cents, dtype="int64")) / 100).cast(pl.Decimal(18, 2))
    return series if known is None else pl.select(pl.when(pl.Series(known)).then(series)).to_series()


def counts(values: np.ndarray, known: np.ndarray | None = None) -> pl.Series:
    """Whole numbers, null where not known."""
    series = pl.Series(np.asarray(values, dtype="int64"))
    return series if known is None else pl.select(pl.when(pl.Series(known)).then(series)).to_series()
