"""Custom KPIs: the README's example and others in a copy of the project; pairs that are refused, with the reason."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ops.project import ROOT, Settings

Run = Callable[..., subprocess.CompletedProcess]
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").split("### Custom KPIs")[1].split("\n## ")[0]
README_EXAMPLE = re.search(r"```yaml\n(.*?)```", SECTION, re.DOTALL)[1]
CUSTOM_KPIS = Path("models/marts/kpi/custom_kpis.yml")


def ratio(name: str, numerator: Any, denominator: Any, unit: str, **kpi: Any) -> dict[str, Any]:
    meta = {"is_custom": True, "unit": unit, "direction": "up", "objective": "To see it.", **kpi}
    return {
        "name": name, "type": "ratio", "label": name, "numerator": numerator, "denominator": denominator,
        "config": {"meta": {"kpi": meta}},
    }


ADDED = [
    ratio("seller_order_value", "gmv", "seller_orders", "money"),  # of two marts
    ratio("paid_channel_order_share", "paid_channel_valid_orders", "valid_orders", "ratio"),  # few channels are paid
    ratio("buyer_value", "gmv", "period_buyers", "money"),  # an order's country need not be its buyer's
    ratio("refunded_soon", "refunded_lines", "accepted_lines", "ratio", maturity_days=5, dimensions=["category"]),
]
IS_VALID = "{{ Dimension('order__is_valid') }}"
REFUSED = [
    (ratio("r1", "gmv", "sessions", "money"),
     "gmv (money of lines by order day) over sessions (count of sessions by session day): the two are dated"),
    (ratio("r2", "repeat_buyers_90d", "period_buyers", "ratio"),
     "repeat_buyers_90d (count of customers by first valid order day) over period_buyers"),
    (ratio("r3", "orders", "seller_orders", "ratio"),
     "orders (count of orders by order day) over seller_orders (count of seller orders by order day): orders are"),
    (ratio("r4", "accepted_lines", "orders", "ratio"),
     "accepted_lines (count of lines by order day) over orders (count of orders by order day): a share (unit ratio) has"
     " the same things on both sides; lines per orders are unit x"),
    (ratio("r5", "active_buyers_30d", "active_sellers", "x"), "customers are neither sellers nor parts of them"),
    (ratio("r6", "orders", "gmv", "x"), "the units differ; only a count can be the base of another unit"),
    (ratio("r7", "gmv", "orders", "ratio"), "its unit is money, not ratio"),
    (ratio("r8", "ad_spend_x1000", "ad_clicks", "money"), "money x 1000 is made for one KPI"),
    (ratio("r9", "nps_balance_x100", "nps_answers", "x"), "points is made for one KPI"),
    (ratio("r10", "gmv", "gmv", "ratio"), "a term over itself is always 1"),
    (ratio("r11", "aov", "orders", "money"), "numerator aov is no term: it is a ratio itself"),
    (ratio("r12", "gmv", "median_order_value", "x"), "denominator median_order_value is no term: it is a percentile"),
    (ratio("r13", {"name": "gmv", "filter": IS_VALID}, "orders", "money"), "numerator gmv has a filter or an offset"),
    ({**ratio("r14", "gmv", "orders", "money"), "filter": IS_VALID}, "it has a filter"),
    (ratio("r15", "gmv", "period_buyers", "money", dimensions=["country"]), "not share the dimension country, only: c"),
    (ratio("r16", "gmv", "orders", "money", direction=None), "config.meta.kpi says no direction"),
    (ratio("r17", "gmv", "orders", ""), "config.meta.kpi says no unit"),
    ({**ratio("r18", None, None, "money"), "type": "derived", "expr": "gmv * 2", "input_metrics": [{"name": "gmv"}]},
     "it is of type derived; a custom KPI is a ratio of two terms"),
]


def write(project: Path, *metrics: dict[str, Any]) -> None:
    """Makes these the custom KPIs of a copy of the project."""
    cleaned = [{key: value for key, value in metric.items() if value is not None} for metric in metrics]
    (project / CUSTOM_KPIS).write_text(yaml.safe_dump({"metrics": cleaned}), encoding="utf-8")


@pytest.fixture(scope="module")
def project(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what dbt reads of the project, with a copy of the sample's build in build/."""
    copy = tmp_path_factory.mktemp("custom")
    for name in ("models", "macros", "seeds", "tests", "analyses", "extracts"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("python"))
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, copy)
    (copy / "build").mkdir()
    shutil.copy(sample_release.warehouse, copy / "build" / "warehouse.duckdb")
    return copy


@pytest.fixture(scope="module")
def built(project: Path, sample_release: Settings, run_dbt: Run) -> duckdb.DuckDBPyConnection:
    """The copy with the README's example as it stands and the KPIs of ADDED; kpi_values and dim_kpi built anew."""
    write(project, *yaml.safe_load(README_EXAMPLE)["metrics"], *ADDED)
    done = run_dbt(
        project / "build", "build", "--select", "kpi_values", "dim_kpi", project=project,
        LANDING_DIR=str(sample_release.landing),
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return duckdb.connect(str(project / "build" / "warehouse.duckdb"), read_only=True)


def values(built: duckdb.DuckDBPyConnection, kpi_id: str, grain: str, dimension: str) -> dict[tuple, tuple]:
    rows = built.execute(
        "select strftime(period_start, '%Y-%m-%d'), dimension_value, numerator, denominator, value"
        " from marts.kpi_values where kpi_id = ? and period_grain = ? and dimension = ?", [kpi_id, grain, dimension],
    ).fetchall()
    assert rows
    return {row[:2]: row[2:] for row in rows}


def facts(built: duckdb.DuckDBPyConnection, sql: str) -> dict[tuple, tuple]:
    """Rows of first day, segment, numerator and denominator as `values` has them."""
    return {
        (day, segment): (numerator, denominator, numerator / denominator if denominator else None)
        for day, segment, numerator, denominator in built.execute(sql).fetchall()
    }


def assert_equal(published: dict[tuple, tuple], expected: dict[tuple, tuple]) -> None:
    """Every segment with something in it is published with these numbers; any other says that nothing was there."""
    for key, numbers in expected.items():
        assert published[key] == pytest.approx(numbers, rel=1e-9), key
    assert all(published[key][1] == 0 and published[key][2] is None for key in published.keys() - expected.keys())


def test_the_project_ships_the_readme_example() -> None:
    (shipped,) = yaml.safe_load((ROOT / CUSTOM_KPIS).read_text(encoding="utf-8"))["metrics"]
    (shown,) = yaml.safe_load(README_EXAMPLE)["metrics"]
    said, kpi = shipped.pop("config")["meta"]["kpi"], shown.pop("config")["meta"]["kpi"]
    assert {key: said[key] for key in kpi} == kpi
    assert {key: shipped[key] for key in shown} == shown


def test_the_readme_example_at_every_grain_and_dimension(built: duckdb.DuckDBPyConnection) -> None:
    shapes = built.execute("""
        select distinct period_grain, dimension from marts.kpi_values where kpi_id = 'kept_sales_rate'""").fetchall()
    cuts = ["all", "country", "region", "category", "sales_channel", "customer_type", "channel"]
    grains = ["month", "quarter", "year"]
    assert set(shapes) == {
        *((grain, cut) for grain in ["day", "week", *grains] for cut in cuts), *((grain, "seller") for grain in grains)
    }
    for grain in ("day", "week", "month", "quarter", "year"):
        assert_equal(values(built, "kept_sales_rate", grain, "country"), facts(built, f"""
            select strftime(date_trunc('{grain}', ordered_on), '%Y-%m-%d'), coalesce(country, 'unknown'),
                cast(sum(net_value) as double), cast(sum(line_value) as double)
            from marts.fct_orders where is_paid group by all"""))


def test_the_readme_example_in_dim_kpi(built: duckdb.DuckDBPyConnection) -> None:
    cursor = built.execute("select * from marts.dim_kpi where kpi_id = 'kept_sales_rate'")
    kpi = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
    assert kpi["is_custom"] and kpi["has_data"] and 0 < kpi["last_value"] < 1
    assert (kpi["family"], kpi["unit"], kpi["format"], kpi["dated_by"]) == ("sales", "ratio", "0.0%", "order day")
    # net value is complete after 60 days, so this ratio is no sooner
    needs = "refunds|order_lines.cancelled_at|order_lines.refused_at"
    assert (kpi["mode"], kpi["maturity_days"], kpi["needs"]) == ("cohort", 60, needs)
    assert kpi["dimensions"] == "country region category seller sales_channel customer_type channel"
    assert kpi["label_fr"] == kpi["label_en"] == "Sales kept"
    assert all(kpi[column] for column in ("description", "formula", "owner", "objective", "action_when_bad", "kind"))
    assert built.execute("""
        select count(*) from marts.kpi_values
        where kpi_id = 'kept_sales_rate' and is_mature and period_start + 60 > (select as_of from marts.release_info)
    """).fetchone() == (0,)


def test_terms_of_two_marts_meet_in_the_dimensions_they_share(built: duckdb.DuckDBPyConnection) -> None:
    assert_equal(values(built, "seller_order_value", "month", "seller"), facts(built, """
        select strftime(date_trunc('month', ordered_on), '%Y-%m-%d'), seller_id,
            cast(sum(line_value) as double), count(*)
        from marts.fct_seller_orders group by all"""))
    assert built.execute("select dimensions, source_tables from marts.dim_kpi where kpi_id = 'seller_order_value'"
                         ).fetchone() == ("country region category seller", "kpi_sales kpi_seller_quality")


def test_a_segment_that_one_mart_lacks_counts_0(built: duckdb.DuckDBPyConnection) -> None:
    published = values(built, "paid_channel_order_share", "month", "channel")
    assert_equal(published, facts(built, """
        select strftime(date_trunc('month', ordered_on), '%Y-%m-%d'), channel,
            count(*) filter (is_paid_channel), count(*)
        from marts.fct_orders where is_valid group by all"""))
    assert {value for (_, channel), (*_, value) in published.items() if channel == "direct"} == {0}


def test_only_dimensions_that_mean_the_same_on_both_sides_are_shared(built: duckdb.DuckDBPyConnection) -> None:
    assert built.execute(
        "select distinct dimension from marts.kpi_values where kpi_id = 'buyer_value' order by all"
    ).fetchall() == [("all",), ("customer_type",)]


def test_what_the_metric_says_wins(built: duckdb.DuckDBPyConnection) -> None:
    assert built.execute(
        "select maturity_days, dimensions, needs from marts.dim_kpi where kpi_id = 'refunded_soon'"
    ).fetchone() == (5, "category", "refunds")


@pytest.fixture(scope="module")
def refusals(project: Path, sample_release: Settings, built: duckdb.DuckDBPyConnection, run_dbt: Run) -> str:
    """What dbt says of all the pairs of REFUSED, and of a good one among them."""
    built.close()
    write(project, *(metric for metric, _ in REFUSED), ADDED[0])
    done = run_dbt(
        project / "build", "build", "--select", "dim_kpi", project=project,
        LANDING_DIR=str(sample_release.landing),
    )
    assert done.returncode != 0
    assert "dim_kpi" not in done.stdout.split("Custom KPIs that cannot be")[1].split("Done.")[0].replace("SKIP", "")
    return done.stdout


@pytest.mark.parametrize(("metric", "reason"), REFUSED, ids=[metric["name"] for metric, _ in REFUSED])
def test_a_pair_that_means_nothing_is_refused_with_its_reason(refusals: str, metric: dict, reason: str) -> None:
    (line,) = [line for line in refusals.splitlines() if line.strip().startswith(f"{metric['name']} (")]
    assert str(CUSTOM_KPIS) in line
    assert reason in line


def test_a_good_kpi_among_refused_ones_is_not_complained_of(refusals: str) -> None:
    assert ADDED[0]["name"] not in refusals


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (ratio("aov", "gmv", "orders", "money"), 'two metrics with the name "aov"'),
        (ratio("new", "gmw", "orders", "money"), "The metric `gmw` does not exist but was referenced by metric `new`"),
    ],
    ids=["a name that is taken", "an unknown term"],
)
def test_names_are_checked_by_dbt_itself(
    project: Path, refusals: str, run_dbt: Run, metric: dict, message: str
) -> None:
    write(project, metric)
    done = run_dbt(project / "build", "parse", project=project)
    assert done.returncode != 0
    assert message in done.stdout
