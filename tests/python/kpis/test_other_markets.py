"""Simulated markets of other currencies and time zones, as they come and made rough (roughen.py).

Each is published only when every KPI equals its recomputation and every expectation holds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.python.kpis.roughen import roughen

pytestmark = pytest.mark.slow

MARKETS = [  # seed, currency, time zone, whether the extracts are made rough, and further settings
    (0, "GBP", "Europe/London", False, {}),
    (2, "USD", "America/New_York", True, {}),
    (3, "AUD", "Australia/Lord_Howe", True, {"AS_OF": "2026-09-20"}),  # its clocks change by half an hour
]


@pytest.mark.parametrize(("seed", "currency", "timezone", "is_rough", "settings"), MARKETS)
def test_a_market_is_published_with_every_kpi_equal_to_its_recomputation(
    seed: int, currency: str, timezone: str, is_rough: bool, settings: dict[str, str], tmp_path: Path,
    simulate_market: Callable[..., Path], build_market: Callable[..., duckdb.DuckDBPyConnection],
) -> None:
    extracts = simulate_market(
        tmp_path / "clean", orders=800, days=420, seed=seed, reporting_currency=currency, timezone=timezone)
    if is_rough:
        roughen(extracts, tmp_path / "rough", seed)
        extracts = tmp_path / "rough"
    release = build_market(
        tmp_path, EXTRACTS_DIR=str(extracts), REPORTING_CURRENCY=currency, BUSINESS_TIMEZONE=timezone, **settings)
    assert release.execute(
        "select reporting_currency, business_timezone from marts.release_info").fetchone() == (currency, timezone)
    silent = release.execute("select kpi_id from marts.dim_kpi where not has_data and not is_custom").fetchall()
    assert silent == []
    rejected = release.execute("select count(*) from marts.rejected_rows").fetchone()[0]
    assert (rejected > 0) == is_rough
