"""Markets of many seeds, one after another: simulated, landed and built by one dbt that parses the project once.

Parsing and planning take most of the time, not the rows. So a market has more orders than the sample (what is planted
is seen the better), and only the grains, the dimension and the tables that are looked at.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from ops.land import land
from ops.project import QUIET
from ops.simulate.build import write_extracts
from ops.simulate.settings import SAMPLE, Settings

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

# The sample's span and visits. Orders enough for what is planted to be found all but once in a thousand times.
PLANTED = Settings(orders=20_000, days=SAMPLE.days, sessions_per_order=SAMPLE.sessions_per_order, fmt="parquet")
PLAIN = PLANTED.with_changes(plain=True)

TABLES = (
    "kpi_values", "kpi_targets", "kpi_trends", "kpi_anomalies", "experiment_results", "campaign_impact",
    "cross_sell_pairs", "seller_scorecard", "seller_health", "seller_next_steps", "seller_account_events",
    "seller_benchmarks", "dim_product",
)  # fmt: skip
LINKED = ("kpi_correlations",)  # a quarter of the time; within one market all is linked by its days (alarms.py)
NARROW = json.dumps({"kpi_grains": ["day", "week", "month"], "kpi_dimensions": ["seller"]})


class NotBuilt(Exception):
    """dbt did not build a market."""


@dataclass(frozen=True)
class Market:
    """A market that was built: what was planted in it, and the file with what is published of it."""

    settings: Settings
    folder: Path

    @property
    def truth(self) -> dict:
        """What was planted."""
        return json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))

    def open(self) -> duckdb.DuckDBPyConnection:
        """The tables of the market, read-only, those of `marts` by their bare names."""
        connection = duckdb.connect(str(self.folder / "warehouse.duckdb"), read_only=True)
        connection.execute("set TimeZone = 'UTC'; use marts")
        return connection


def build(wanted: Iterable[Settings], folder: Path) -> Iterator[Market]:
    """The markets wanted, one after another; the next one of its kind takes a market's place. Raises NotBuilt.

    Sets environment variables of this process for good: landing and build file are parsed into dbt's manifest. Each
    market is built by a process of its own, which ends with all that dbt and DuckDB hold open; a fresh one, since the
    threads of polars do not survive a fork.
    """
    from dbt.cli.main import dbtRunner  # seconds, which who only names a market need not wait

    os.environ.update(
        QUIET,
        EXTRACTS_DIR=str(folder / "extracts"), LANDING_DIR=str(folder / "landing"), CONNECTOR="native",
        WAREHOUSE_DB=str(folder / "warehouse.duckdb"),
        DBT_TARGET_PATH=str(folder / "target"), DBT_LOG_PATH=str(folder / "logs"), DBT_LOG_LEVEL="error",
    )  # fmt: skip
    for name in ("AS_OF", "MAX_REJECTED_SHARE"):
        os.environ.pop(name, None)
    parsed = dbtRunner().invoke(["parse"])
    if not parsed.success:
        raise NotBuilt(f"dbt does not parse the project: {parsed.exception}")
    for settings in wanted:
        fresh = multiprocessing.get_context("spawn")
        child = fresh.Process(target=_build, args=(settings, folder, parsed.result), daemon=True)
        child.start()
        child.join()
        if child.exitcode:
            raise NotBuilt(f"seed {settings.seed}: see {folder / 'logs' / 'dbt.log'}")
        duckdb.connect(os.environ["WAREHOUSE_DB"]).close()  # writes what that process left in its log
        kept = Market(settings, folder / ("plain" if settings.plain else "planted"))
        kept.folder.mkdir(exist_ok=True)
        for file in (folder / "extracts" / "truth.json", folder / "warehouse.duckdb"):
            file.replace(kept.folder / file.name)
        yield kept


def _build(settings: Settings, folder: Path, manifest: Manifest) -> None:
    """Simulate, land and build one market in a process of its own; ends with 1 where dbt fails."""
    from dbt.cli.main import dbtRunner

    extracts, landing, warehouse = folder / "extracts", folder / "landing", folder / "warehouse.duckdb"
    for path in (extracts, landing):
        shutil.rmtree(path, ignore_errors=True)
    warehouse.unlink(missing_ok=True)
    truth = write_extracts(settings, extracts)
    land(extracts, landing, say=lambda _: None)
    os.environ.update(BUSINESS_TIMEZONE=truth["business_timezone"], REPORTING_CURRENCY=truth["reporting_currency"])
    select = [f"+{table}" for table in (*TABLES, *(() if settings.plain else LINKED))]
    done = dbtRunner(manifest=manifest).invoke(
        ["build", "--exclude-resource-type", "test", "unit_test", "--vars", NARROW, "--select", *select]
    )
    sys.exit(0 if done.success else 1)
