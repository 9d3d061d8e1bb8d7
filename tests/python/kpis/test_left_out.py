"""A simulated market without some of its optional tables: it builds, and only the KPIs that read them change.

Each optional table is left out once. Tables that no KPI reads together are left out of the same build, so that four
builds stand for eighteen; they build months only. The market of the five required tables alone is built, checked and
published as a whole.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path

import duckdb
import pytest

from ops.project import ROOT

pytestmark = pytest.mark.slow

REQUIRED = {"customers", "sellers", "products", "orders", "order_lines"}
BATCHES = [
    ["events", "seller_status_events", "operating_costs", "experiments", "kpi_targets"],
    ["refunds", "offers", "support_tickets", "features", "seller_policies"],
    ["payments", "ad_spend", "reviews", "experiment_assignments", "calendar_events"],
    ["seller_fees", "claims", "survey_invitations", "leads", "returns", "action_log"],
]
REVENUE = {"platform_revenue", "take_rate", "arpu", "gross_margin", "gross_margin_rate", "contribution_margin"}
# KPIs that need no such table and take it for empty: platform revenue without fees, say.
TAKEN_FOR_EMPTY = {
    "refunds": REVENUE | {"gmv_net", "kept_sales_rate", "roas", "top10_seller_share", "seller_concentration_hhi"},
    "payments": {"gross_margin", "gross_margin_rate", "contribution_margin"},
    "seller_fees": REVENUE,
    "seller_status_events": {"registered_sellers", "late_shipment_rate"},
}
MONTHS = json.dumps({"kpi_grains": ["month"], "kpi_dimensions": ["category"]})
Values = dict[tuple, tuple]
Run = Callable[..., subprocess.CompletedProcess]


def build(run_dbt: Run, folder: Path, extracts: Path) -> subprocess.CompletedProcess:
    settings = {"EXTRACTS_DIR": str(extracts), "LANDING_DIR": str(folder / "landing"), "AS_OF": "2026-10-31"}
    landed = subprocess.run(
        [sys.executable, "-m", "ops.land"],
        cwd=ROOT, env={"PATH": os.environ["PATH"], **settings}, capture_output=True, text=True, check=False,
    )
    assert landed.returncode == 0, landed.stdout + landed.stderr
    return run_dbt(
        folder, "build", "--fail-fast", "--select", "+dim_kpi", "--exclude-resource-type", "unit_test", "test",
        "--vars", MONTHS, **settings,
    )


def read(folder: Path) -> tuple[Values, set[str]]:
    """By KPI, month and segment what is published (rates to 12 digits), and the KPIs with data."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select kpi_id, period_start, dimension, dimension_value, numerator, denominator, value, sample_size"
            " from marts.kpi_values where period_grain = 'month'"
        ).fetchall()
        with_data = connection.execute("select kpi_id from marts.dim_kpi where has_data").fetchall()
    return {row[:4]: tuple(_rounded(number) for number in row[4:]) for row in rows}, {kpi for (kpi,) in with_data}


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.12g}")


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, run_dbt: Run, simulate_market: Callable[..., Path]
) -> Path:
    """The market with all its tables, built; one folder for all workers: extracts/, target/ and the warehouse."""
    shared = tmp_path_factory.getbasetemp()
    shared = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "whole_market"
    shared.mkdir(exist_ok=True)
    with (shared / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "built").is_file():
            done = build(run_dbt, shared, simulate_market(shared / "extracts", orders=400, days=400, seed=5))
            assert done.returncode == 0, done.stdout[-5000:]
            (shared / "built").touch()
    return shared


def without(whole: Path, tables: Collection[str], folder: Path) -> Path:
    """A folder with the extracts but for some tables."""
    extracts = folder / "extracts"
    extracts.mkdir()
    for path in (whole / "extracts").iterdir():
        if path.name.split(".")[0] not in tables:
            (extracts / path.name).symlink_to(path)
    return extracts


def silent_kpis(whole: Path, tables: Collection[str]) -> set[str]:
    """The KPIs of a column of their own one of whose needs has all its alternatives in some tables."""
    with duckdb.connect(str(whole / "warehouse.duckdb"), read_only=True) as connection:
        needs = connection.execute("select kpi_id, needs from marts.dim_kpi where not is_custom").fetchall()
    return {
        kpi_id
        for kpi_id, needed in needs
        for need in needed.split()
        if all(re.split("[.:]", alternative)[0] in tables for alternative in need.split("|"))
    }


def test_every_optional_table_is_left_out_once(whole: Path) -> None:
    delivered = {path.name.split(".")[0] for path in (whole / "extracts").iterdir()} - {"truth"}
    left_out = [table for batch in BATCHES for table in batch]
    assert sorted([*left_out, *REQUIRED, "exchange_rates"]) == sorted(delivered)


@pytest.mark.parametrize("tables", BATCHES, ids=" ".join)
def test_only_kpis_that_read_a_table_miss_it(tables: list[str], whole: Path, run_dbt: Run, tmp_path: Path) -> None:
    shutil.copytree(whole / "target", tmp_path / "target")  # parsed once
    done = build(run_dbt, tmp_path, without(whole, tables, tmp_path))
    assert done.returncode == 0, done.stdout[-5000:]
    before, had_data = read(whole)
    after, has_data = read(tmp_path)
    assert had_data

    silent = silent_kpis(whole, tables)
    assert had_data - has_data == silent & had_data
    assert has_data <= had_data
    assert {kpi for (kpi, *_), numbers in after.items() if kpi in silent and numbers != (None,) * 4} == set()

    # without events the span may begin later: its first month may be a shorter one
    first = min(month for _, month, *_ in after)
    changed = {key[0] for key in after if key[1] > first and after[key] != before.get(key)} - silent
    # a segment in which nothing is left has no row
    gone = {key[0] for key in before.keys() - after.keys() if key[1] > first and before[key][0]} - silent
    empty = set().union(*(TAKEN_FOR_EMPTY.get(table, set()) for table in tables))
    assert changed | gone == empty - silent


def test_without_exchange_rates_the_build_names_what_it_lacks(whole: Path, run_dbt: Run, tmp_path: Path) -> None:
    shutil.copytree(whole / "target", tmp_path / "target")
    done = build(run_dbt, tmp_path, without(whole, ["exchange_rates"], tmp_path))
    assert done.returncode != 0
    assert "USD" in done.stdout or "GBP" in done.stdout, done.stdout[-5000:]


def test_the_five_required_tables_make_a_release(
    whole: Path, tmp_path: Path, build_market: Callable[..., duckdb.DuckDBPyConnection]
) -> None:
    delivered = {path.name.split(".")[0] for path in (whole / "extracts").iterdir()}
    extracts = without(whole, delivered - REQUIRED | {"orders"}, tmp_path)
    orders = (whole / "extracts" / "orders.csv").read_text(encoding="utf-8")
    (extracts / "orders.csv").write_text(re.sub(",(GBP|USD),", ",EUR,", orders), encoding="utf-8")  # no rates needed
    with build_market(tmp_path, EXTRACTS_DIR=str(extracts)) as release:
        all_kpis = {kpi for (kpi,) in release.execute("select kpi_id from marts.dim_kpi").fetchall()}
        with_data = {kpi for (kpi,) in release.execute("select kpi_id from marts.dim_kpi where has_data").fetchall()}
    assert with_data == all_kpis - silent_kpis(whole, delivered - REQUIRED)
