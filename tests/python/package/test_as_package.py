"""A project that installs this one, made of what docs/guides/as-a-package.md shows, built by its commands: its tables
are the sample's release with a KPI of its own, and tables of its warehouse can stand for files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml

from ops.land import contract
from ops.project import QUIET, ROOT, Settings

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "guides" / "as-a-package.md").read_text(encoding="utf-8")
WITH_FILES, WITH_TABLES = PAGE.split("## Tables that are in your warehouse already")
# What is built here: all KPIs with what they come from. The tables made from KPIs, which take as long again, are not.
BUILT = "marketplace_kpis.staging +dim_kpi rejected_rows --indirect-selection buildable"
WITH_OWN_KPI = ["kpi_values", "dim_kpi"]
PUBLISHED = [*WITH_OWN_KPI, "kpi_sales", "kpi_seller_quality", "fct_orders", "rejected_rows"]
STAGED = ["stg_orders", "stg_order_lines", "stg_events", "stg_sellers"]

Run = Callable[..., str]


def files(text: str) -> dict[str, str]:
    """The files that a part of the page shows, by the path in their first line."""
    shown = re.findall(r"```(?:yaml|sql)\n(?:#|--) ([\w./]+)[^\n]*\n(.*?)```", text, re.DOTALL)
    return dict(shown)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the page; nothing is installed yet."""
    folder = tmp_path_factory.mktemp("shop")
    for path, content in files(WITH_FILES).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(content.replace("../marketplace_kpis", str(ROOT)), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(shop: Path) -> Run:
    def run(commands: str, succeeds: bool = True, **variables: str) -> str:
        environment = {name: value for name, value in QUIET.items() if name != "DBT_PROJECT_DIR"} | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "DBT_PROFILES_DIR": ".",
            "PYTHONPATH": str(shop / "dbt_packages" / "marketplace_kpis"),
        }
        done = subprocess.run(
            ["bash", "-euc", commands], cwd=shop, env=environment | variables, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
        )
        assert (done.returncode == 0) == succeeds, done.stdout[-5000:]
        return done.stdout
    return run


@pytest.fixture(scope="module")
def built(shop: Path, run: Run) -> Path:
    """The build file of the project, built by the commands of the page from the sample's extracts."""
    [commands] = re.findall(r"```sh\n(.*?)```", WITH_FILES, re.DOTALL)
    commands = commands.replace("/data/extracts", str(ROOT / "extracts" / "sample"))
    assert commands.endswith("unit_test\n")
    run(f"{commands.rstrip()} --select {BUILT}", PYTHONPATH="")
    return shop / "shop.duckdb"


def unlike(connection: duckdb.DuckDBPyConnection, one: str, two: str, left_out: str = "false") -> int:
    """Rows that only one of two tables has, without hashes, times of loading and what is left out of the first; doubles
    by ten digits, for the last bits of a sum hang on the order of its rows."""
    columns = [
        (name, kind) for name, kind, *_ in connection.execute(f"describe {two}").fetchall()
        if name != "loaded_at" and not name.endswith("_hash")
    ]
    names = ", ".join(name for name, _ in columns)
    shown = ", ".join(f"format('{{:.9e}}', {name})" if kind == "DOUBLE" else name for name, kind in columns)
    one, two = f"(select {names} from {one} where not ({left_out}))", f"(select {names} from {two})"
    (found,) = connection.execute(
        f"with mine as (select {shown} from ({one} except all {two})),"
        f" other as (select {shown} from ({two} except all {one}))"
        " select count(*) from ((from mine except all from other) union all (from other except all from mine))"
    ).fetchone()
    return found


def test_the_published_tables_are_those_of_the_release(built: Path, sample_release: Settings) -> None:
    with duckdb.connect(str(built), read_only=True) as connection:
        connection.execute(f"attach '{sample_release.published}' as release (read_only)")
        found = {
            table: unlike(
                connection, f"marts.{table}", f"release.marts.{table}",
                "kpi_id = 'net_sales_per_order'" if table in WITH_OWN_KPI else "false",
            )
            for table in PUBLISHED
        }
    assert found == dict.fromkeys(PUBLISHED, 0)


def test_a_kpi_of_the_project_stands_among_the_others(built: Path) -> None:
    with duckdb.connect(str(built), read_only=True) as connection:
        assert connection.execute(
            "select family, owner, is_custom, has_data from marts.dim_kpi where kpi_id = 'net_sales_per_order'"
        ).fetchall() == [("sales", "Head of finance", True, True)]
        rows, segments, wrong = connection.execute(
            "select count(*), count(distinct own.dimension), count(*) filter ("
            "  own.numerator is distinct from net.value or own.denominator is distinct from orders.value"
            "  or own.value is distinct from net.value / nullif(orders.value, 0))"
            " from marts.kpi_values as own"
            " left join marts.kpi_values as net using (period_grain, period_start, dimension, dimension_value)"
            " left join marts.kpi_values as orders using (period_grain, period_start, dimension, dimension_value)"
            " where own.kpi_id = 'net_sales_per_order' and net.kpi_id = 'gmv_net' and orders.kpi_id = 'orders'"
        ).fetchone()
    assert rows > 0 and segments > 1 and wrong == 0


def test_tables_of_the_warehouse_stand_for_files(built: Path, shop: Path, run: Run) -> None:
    """Those of the first build, under the names of the contract."""
    tables = contract("native")
    with duckdb.connect(str(built)) as connection:
        connection.execute("create schema raw; create schema kept")
        for name in tables:
            there = [row[0] for row in connection.execute(f"describe staging.stg_{name}").fetchall()]
            columns = ", ".join(f"{column} as {column.removesuffix('_hash')}" for column in there)
            connection.execute(f"create table raw.{name} as select {columns} from staging.stg_{name}")
        for name in STAGED:
            connection.execute(f"create table kept.{name} as from staging.{name}")

    shown = files(WITH_TABLES)
    project = yaml.safe_load((shop / "dbt_project.yml").read_text(encoding="utf-8"))
    project["vars"] |= yaml.safe_load(shown["dbt_project.yml"])["vars"]
    project["vars"]["connectors"]["shop"]["tables"] = list(tables)
    (shop / "dbt_project.yml").write_text(yaml.safe_dump(project), encoding="utf-8")
    sources = yaml.safe_load(shown["models/sources.yml"])
    sources["sources"][0]["tables"] = [{"name": name} for name in tables]
    (shop / "models" / "sources.yml").write_text(yaml.safe_dump(sources), encoding="utf-8")
    for name in tables:
        model = shown["models/stg_shop__orders.sql"].replace("'orders'", f"'{name}'")
        (shop / "models" / f"stg_shop__{name}.sql").write_text(model, encoding="utf-8")

    trust = "load_audit rejected_rows release_info"
    run(f"dbt build --exclude-resource-type unit_test --select shop marketplace_kpis.staging {trust}")
    with duckdb.connect(str(built), read_only=True) as connection:
        for name in STAGED:
            assert unlike(connection, f"staging.{name}", f"kept.{name}") == 0, name
        assert connection.execute("select connector from marts.release_info").fetchall() == [("shop",)]
        read = dict(connection.execute("select file_name, rows_read from marts.load_audit").fetchall())
        assert read == {
            f"stg_shop__{name}": count for name in tables
            if (count := connection.execute(f"select count(*) from raw.{name}").fetchone()[0])
        }
        assert connection.execute("select count(*) from marts.load_audit where loaded_at is null").fetchone() == (0,)


def test_without_the_plugin_dbt_stops_as_the_page_says(built: Path, run: Run) -> None:
    """When this fails, dbt has put its issue right, and the plugin and its paragraph can go."""
    told = run("dbt ls --select dim_kpi", succeeds=False, PYTHONPATH="")
    assert "depends on 'semantic_model.shop." in told and "which is not in the graph" in told


def test_what_would_go_wrong_without_a_word_stops_the_build(built: Path, shop: Path, run: Run) -> None:
    """Once dbt has parsed the project anew: until then it reads what it read before."""
    model, profile = shop / "models" / "stg_orders.sql", shop / "profiles.yml"
    sound = profile.read_text(encoding="utf-8")
    model.write_text("select 1 as order_id", encoding="utf-8")
    profile.write_text(sound.replace("UTC", "America/New_York"), encoding="utf-8")
    try:
        told = run("dbt run --select int_span", succeeds=False)
    finally:
        model.unlink()
        profile.write_text(sound, encoding="utf-8")
    assert "works in the time zone America/New_York, and times of deliveries are read in UTC" in told
    assert "read shop.stg_orders in place of its own" in told
