"""The comparison of two engines: what is equal, and that what differs is named with table, column, key and values."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ops.project import ProjectError
from python_checks import parity

KEYS = {"kpi_values": ["kpi_id", "period_start"], "load_audit": [], "release_info": []}
KPIS = "('gmv', date '2026-01-01', 10::double, 1.50::decimal(18, 4)), ('aov', date '2026-01-01', 1e12::double, null)"
AUDIT = "('orders', 3, timestamp '2026-01-02 10:00:00.5'), ('orders', 4, timestamp '2026-01-02 10:00:00.5')"
RELEASE = "('a run', 5)"


class Builds:
    """A DuckDB file, and the Parquet that Spark would have written: the same until a test writes otherwise."""

    def __init__(self, folder: Path) -> None:
        self.database, self.spark = folder / "build.duckdb", folder / "warehouse"
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("create schema marts")
            for table, values in (("kpi_values", KPIS), ("load_audit", AUDIT), ("release_info", RELEASE)):
                connection.execute(f"create table marts.{table} as {self.select(table, values)}")
                self.write(table, values)

    @staticmethod
    def select(table: str, values: str) -> str:
        columns = {
            "kpi_values": "kpi_id, period_start, value, amount", "load_audit": "table_name, rows_read, loaded_at",
            "release_info": "run_id, rows_read",
        }[table]
        return f"select * from (values {values}) as given ({columns})"

    def write(self, table: str, values: str, select: str = "*") -> None:
        folder = self.spark / "marts.db" / table
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / "part-0.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"copy (select {select} from ({self.select(table, values)})) to '{target}'")

    def told(self) -> list[str]:
        return parity.compare(self.database, self.spark, KEYS)[0]


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    return Builds(tmp_path)


def test_equal_builds_have_no_difference(builds: Builds) -> None:
    assert parity.compare(builds.database, builds.spark, KEYS) == ([], 5)


def test_the_last_digits_of_a_double_and_the_order_of_rows_are_no_difference(builds: Builds) -> None:
    builds.write("kpi_values", ", ".join(reversed([
        "('gmv', date '2026-01-01', 10.000000001::double, 1.5::decimal(18, 4))",
        "('aov', date '2026-01-01', 1000000000100::double, null)",
    ])))
    builds.write("load_audit", AUDIT, "* replace (loaded_at::timestamptz as loaded_at)")
    assert builds.told() == []


def test_the_run_of_a_release_is_its_own(builds: Builds) -> None:
    builds.write("release_info", "('another run', 5)")
    assert builds.told() == []
    builds.write("release_info", "('another run', 6)")
    assert builds.told() == ["release_info: only on DuckDB: rows_read 5", "release_info: only on Spark: rows_read 6"]


@pytest.mark.parametrize(("values", "words"), [
    (KPIS.replace("10::double", "10.0001::double"), "value: {}: 10.0 on DuckDB, 10.0001 on Spark"),
    (KPIS.replace("10::double", "null::double"), "value: {}: 10.0 on DuckDB, None on Spark"),
    (KPIS.replace("10::double", "'nan'::double"), "value: {}: 10.0 on DuckDB, nan on Spark"),
    (KPIS.replace("1.50::", "1.5001::"), "amount: {}: Decimal('1.5000') on DuckDB, Decimal('1.5001') on Spark"),
])
def test_a_value_that_differs_is_named(builds: Builds, values: str, words: str) -> None:
    builds.write("kpi_values", values)
    assert builds.told() == ["kpi_values." + words.format("kpi_id gmv, period_start 2026-01-01")]


def test_rows_of_one_side_are_named(builds: Builds) -> None:
    builds.write("kpi_values", KPIS.replace("'aov'", "'orders'"))
    assert builds.told() == [
        "kpi_values: only on DuckDB: kpi_id aov, period_start 2026-01-01",
        "kpi_values: only on Spark: kpi_id orders, period_start 2026-01-01",
    ]


def test_a_row_that_is_there_twice_is_named(builds: Builds) -> None:
    builds.write("kpi_values", f"{KPIS}, {KPIS.split('), ')[0]})")
    assert builds.told() == ["kpi_values: only on Spark: kpi_id gmv, period_start 2026-01-01"]


def test_many_differences_are_counted(builds: Builds) -> None:
    builds.write("load_audit", ", ".join(f"('orders', {n}, timestamp '2026-01-02 10:00:00.5')" for n in range(3, 13)))
    told = builds.told()
    assert told[-1] == "load_audit: only on Spark: 8 rows in all"
    assert len(told) == parity.NAMED + 1


@pytest.mark.parametrize(("select", "words"), [
    ("* exclude (loaded_at)", "columns table_name, rows_read, loaded_at on DuckDB, table_name, rows_read on Spark"),
    ("* replace (rows_read::bigint as rows_read)", "types differ: rows_read INTEGER, BIGINT"),
])
def test_a_column_that_differs_is_named(builds: Builds, select: str, words: str) -> None:
    builds.write("load_audit", AUDIT, select)
    assert builds.told() == [f"load_audit: {words}"]


def test_a_table_that_was_not_built_is_named(builds: Builds) -> None:
    (builds.spark / "marts.db" / "kpi_values" / "part-0.parquet").unlink()
    assert builds.told() == ["kpi_values: not built on Spark"]


def test_a_build_that_is_not_there_is_said(builds: Builds, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="build on DuckDB first"):
        parity.compare(tmp_path / "none.duckdb", builds.spark, KEYS)
    with pytest.raises(ProjectError, match="build on Spark first"):
        parity.compare(builds.database, tmp_path / "none", KEYS)
