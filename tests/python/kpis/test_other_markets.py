"""Simulated markets of other currencies and time zones: published only when every KPI equals its recomputation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ops.project import ROOT

MARKETS = {  # seed: what a market of that seed reports in, and where
    0: ("GBP", "Europe/London"),
    2: ("USD", "America/New_York"),
    3: ("AUD", "Australia/Sydney"),
}


@pytest.mark.parametrize("seed", MARKETS)
def test_a_simulated_market_equals_its_recomputation(
    seed: int, tmp_path: Path, build_market: Callable[..., duckdb.DuckDBPyConnection]
) -> None:
    currency, timezone = MARKETS[seed]
    extracts = tmp_path / "extracts"
    subprocess.run(
        [sys.executable, "-m", "ops.simulate", "--out", str(extracts), "--orders", "500", "--days", "420",
         "--seed", str(seed), "--reporting-currency", currency, "--timezone", timezone],
        cwd=ROOT, check=True, capture_output=True,
    )
    release = build_market(
        tmp_path, EXTRACTS_DIR=str(extracts), REPORTING_CURRENCY=currency, BUSINESS_TIMEZONE=timezone)
    assert release.execute(
        "select reporting_currency, business_timezone from marts.release_info").fetchone() == (currency, timezone)
    assert release.execute("select count(*) from marts.dim_kpi where has_data and not is_custom").fetchone()[0] > 120
