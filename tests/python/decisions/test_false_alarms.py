"""How often days and trends are called unusual where nothing but noise is: the very SQL, on simulated series."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from ops.project import Settings

SERIES = 400
DAYS = 600
WEEKDAYS = np.array([1.0, 0.9, 0.9, 1.0, 1.2, 1.4, 1.1])  # what a weekday is to the mean
MARKET = np.array([1.44, 1.04, 0.95, 0.92, 0.87, 0.80, 0.98])  # the same in a simulated market (ops/simulate/world.py)
KINDS = ("normal", "poisson_rare", "poisson", "heavy", "heaviest", "poisson_market")
RANDOM = np.random.default_rng(20260301)


def noise(kind: str, mean: np.ndarray) -> np.ndarray:
    """Values about their means, without any trend or event."""
    if kind == "normal":
        return RANDOM.normal(mean, 10)
    if kind == "poisson_market":  # every day has an effect of its own, and so the busy ones vary more
        return RANDOM.poisson(2 * mean * RANDOM.lognormal(0, 0.06, mean.shape))
    if kind.startswith("poisson"):
        return RANDOM.poisson(mean / 50 if kind == "poisson_rare" else mean)
    return mean + 10 * RANDOM.standard_t(4 if kind == "heavy" else 3, mean.shape)


def weekdays(kind: str) -> np.ndarray:
    """What each weekday is to the mean."""
    return MARKET if kind == "poisson_market" else WEEKDAYS


def series(kind: str, grain: str, first_number: int, periods: int, mean: np.ndarray) -> pd.DataFrame:
    values = noise(kind, np.broadcast_to(mean, (SERIES, periods)))
    numbers = np.arange(periods)
    return pd.DataFrame({
        "kpi_id": np.repeat([f"{kind}_{number:03}" for number in range(SERIES)], periods),
        "period_grain": grain,
        "period_number": np.tile(first_number + numbers, SERIES),
        "recency": np.tile(periods - numbers, SERIES),
        "value": values.ravel().astype(float),
    })


@pytest.fixture(scope="module")
def judged(
    sample_release: Settings, run_dbt: Callable[..., object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of simulated series, after the models have run on it."""
    folder: Path = tmp_path_factory.mktemp("noise")
    values = pd.concat(
        frame for kind in KINDS for frame in (
            series(kind, "day", 9_000, DAYS, 100 * weekdays(kind)[np.arange(DAYS) % 7]),
            series(kind, "week", 1_300, 13, np.array([100.0])),
            series(kind, "month", 24_300, 12, np.array([100.0])),
        )
    )
    assert len(values) == len(KINDS) * SERIES * (DAYS + 25)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as warehouse:
        warehouse.execute("create schema intermediate; create schema marts")
        warehouse.register("simulated", values)
        warehouse.execute(
            """
            create table intermediate.int_final_values as
            select
                *,
                cast('2001-01-01' as date) + cast(period_number as integer) as period_start,
                true as has_volume,
                false as is_rolling,
                recency = 1 as is_latest
            from simulated
            """
        )
        warehouse.execute("create table intermediate.int_special_days (date_day date, name varchar)")
        warehouse.execute(
            "create table intermediate.int_kpi_terms"
            " (kpi_id varchar, term varchar, is_rolling boolean, window_days bigint)"
        )
        warehouse.execute(
            """
            create table marts.dim_kpi as
            select distinct
                kpi_id,
                'up' as direction,
                case when kpi_id like 'poisson%' then 'count' else 'money' end as unit
            from simulated
            """
        )
    done = run_dbt(
        folder, "run", "--select", "int_trend_points", "kpi_trends", "kpi_anomalies",
        LANDING_DIR=str(sample_release.landing),
    )
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        yield warehouse


def test_few_days_of_noise_are_anomalies(judged: duckdb.DuckDBPyConnection) -> None:
    shares = dict(judged.execute(
        """
        select regexp_replace(kpi_id, '_[0-9]+$', ''), avg(case when is_anomaly then 1 else 0 end)
        from marts.kpi_anomalies where z is not null group by all
        """
    ).fetchall())
    assert set(shares) == set(KINDS)
    # as kpi_anomalies.yml promises; half of it at least, for what never alarms finds nothing
    promised = {
        "normal": 0.001, "poisson": 0.001, "poisson_rare": 0.002, "poisson_market": 0.0025, "heavy": 0.02,
        "heaviest": 0.03,
    }
    for kind, share in shares.items():
        assert promised[kind] / 2 < share < promised[kind] * 1.15, shares


def test_what_is_unusual_is_found(judged: duckdb.DuckDBPyConnection) -> None:
    """A day three times as far as the limits would be called: nearly all limits are narrower than that."""
    (share,) = judged.execute(
        """
        select avg(case when value + 80 > high then 1 else 0 end)
        from marts.kpi_anomalies where z is not null and kpi_id like 'normal%'
        """
    ).fetchone()
    assert share > 0.99


@pytest.mark.parametrize("grain", ["week", "month"])
def test_few_series_of_noise_have_a_trend(judged: duckdb.DuckDBPyConnection, grain: str) -> None:
    shares = dict(judged.execute(
        """
        select regexp_replace(kpi_id, '_[0-9]+$', ''), avg(case when trend in ('rising', 'falling') then 1 else 0 end)
        from marts.kpi_trends where period_grain = ? group by all
        """,
        [grain],
    ).fetchall())
    assert set(shares) == set(KINDS)
    # p < 0.05 in one series of twenty; four standard errors of so many series above it
    highest = 0.05 + 4 * np.sqrt(0.05 * 0.95 / SERIES)
    assert all(0.005 < share < highest for share in shares.values()), shares
    assert np.mean(list(shares.values())) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / SERIES / len(KINDS)), shares
