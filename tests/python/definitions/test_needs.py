"""Absent is not zero: the metrics need what the specification says, and what stops a build instead of giving zeros."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ops.project import ROOT, Settings

Run = Callable[..., subprocess.CompletedProcess]
SPECIFIED = Path(os.environ.get("KPI_SPEC", ROOT.parent / "shared" / "spec" / "kpis.csv"))
UNPAID = "No order is paid by 20"
# need in the metrics -> what the message says of it
UNKNOWN = {
    "needs: [refunds]": ("needs: [refund]", "refund_rate needs refund: there is no table refund"),
    "needs: [claims]": (
        "needs: [claims.closed_at]", "claim_rate needs claims.closed_at: claims has no column closed_at"
    ),
    "order_lines.refused_at|order_lines.cancelled_by": (
        "order_lines.refused_at|order_lines.cancelled.by",
        "seller_cancellation_rate needs order_lines.cancelled.by: is no table, table.column",
    ),
    "reviews.subject=seller": (
        "reviews.subject=vendor",
        "negative_feedback_rate needs reviews.subject=vendor: subject is one of seller, product",
    ),
}


@pytest.mark.skipif(not SPECIFIED.is_file(), reason="skipped: no data")
def test_the_kpis_are_what_the_specification_says(sample_release: Settings) -> None:
    with duckdb.connect(str(sample_release.published), read_only=True) as release:
        columns = "family, label_en, label_fr, unit, direction, dated_by, mode, maturity_days, dimensions, needs"
        told = release.execute(f"select kpi_id, {columns} from marts.dim_kpi where not is_custom").fetchall()
    found = {kpi_id: dict(zip(columns.split(", "), said, strict=True)) for kpi_id, *said in told}
    with SPECIFIED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["kpi_id"] for row in rows} == set(found)
    for row in rows:
        kpi = found[row["kpi_id"]]
        for key in ("family", "label_en", "label_fr", "unit", "direction", "dated_by", "mode"):
            assert kpi[key] == row[key], f"{row['kpi_id']}: {key}"
        assert kpi["maturity_days"] == int(row["maturity_days"]), row["kpi_id"]
        for key in ("dimensions", "needs"):
            assert sorted(kpi[key].split()) == sorted(row[key].split()), f"{row['kpi_id']}: {key}"


def test_a_need_that_names_nothing_known_stops_the_build_before_anything_is_built(run_dbt: Run, tmp_path: Path) -> None:
    for name in ("models", "macros", "seeds", "tests", "analyses"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("python"))
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, tmp_path)
    for path in (tmp_path / "models" / "marts").rglob("*.yml"):
        text = path.read_text(encoding="utf-8")
        for need, (unknown, _) in UNKNOWN.items():
            text = text.replace(need, unknown)
        path.write_text(text, encoding="utf-8")
    done = run_dbt(tmp_path / "build", "build", "--select", "int_span", project=tmp_path)
    assert done.returncode != 0
    for _, message in UNKNOWN.values():
        assert message in done.stdout, done.stdout[-5000:]
    with duckdb.connect(str(tmp_path / "build" / "warehouse.duckdb")) as warehouse:
        assert warehouse.execute("select count(*) from information_schema.tables").fetchone() == (0,)


@pytest.mark.parametrize(
    ("model", "table", "rows", "message"),
    [
        ("int_span", "stg_orders", "select * replace (cast(null as timestamp) as paid_at) from {table}", UNPAID),
        ("int_span", "stg_orders", "select * replace (true as is_test) from {table}", UNPAID),
        ("int_span", "stg_orders", "select * from {table} where false", UNPAID),
        (
            "int_feeds", "stg_feed_coverage",
            "select 'seller_fees' as table_name, date '2026-01-01' as covers_from, cast(null as date) as covers_to",
            "feed_coverage names seller_fees, which is no feed; feeds are payments, returns,",
        ),
        (
            "seller_policies", "stg_seller_policies",
            "select 'strict' as policy, 'gmv' as kpi_id, '>=' as operator, 1.0 as alert_value, 1.0 as limit_value, "
            "30 as window_days, 20 as min_volume",
            "seller_policies, policy strict, KPI gmv: a policy can hold only KPIs of the families seller_quality and",
        ),
    ],
)
def test_what_no_build_can_know_stops_it(
    model: str, table: str, rows: str, message: str, copy_of_sample: Settings, run_dbt: Run, tmp_path: Path
) -> None:
    name = f"staging.{table}"
    with duckdb.connect(str(copy_of_sample.warehouse)) as warehouse:
        (kind,) = warehouse.execute(
            "select table_type from information_schema.tables where table_schema = 'staging' and table_name = ?",
            [table],
        ).fetchone()
        warehouse.execute(f"create table spoiled as {rows.format(table=name)}")
        warehouse.execute(f"drop {'view' if kind == 'VIEW' else 'table'} {name}")
        warehouse.execute(f"create table {name} as select * from spoiled")
    done = run_dbt(
        tmp_path, "run", "--select", model,
        WAREHOUSE_DB=str(copy_of_sample.warehouse), DBT_TARGET_PATH=str(copy_of_sample.target),
        LANDING_DIR=str(copy_of_sample.landing),
    )
    assert done.returncode != 0
    assert message in done.stdout, done.stdout[-5000:]
