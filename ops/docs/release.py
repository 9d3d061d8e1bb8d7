"""What the pages show of the last release."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ops.project import ProjectError

Row = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """The rows of a release that the documentation shows; no row of a customer, seller or order."""

    info: Row
    kpis: list[Row]
    values: dict[str, Row]
    grains: dict[str, dict[str, list[str]]]
    targets: list[Row]
    benchmarks: list[Row]
    rows: dict[str, int]
    audit: list[Row]
    reasons: list[Row]

    @property
    def checks(self) -> dict[str, str]:
        """The last line of each check, by its name."""
        return json.loads(self.info["checks"])


def read_release(path: Path) -> Release:
    """Read a published file. Raises ProjectError when there is none, or when it is no release of this project."""
    if not path.is_file():
        raise ProjectError(f"{path} is not there: run `make build` first.")
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            return _read(connection)
    except duckdb.Error as error:
        raise ProjectError(f"{path} cannot be documented, for it is no release of this project: {error}") from error


def _read(connection: duckdb.DuckDBPyConnection) -> Release:
    def ask(sql: str) -> list[Row]:
        cursor = connection.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    grains: dict[str, dict[str, list[str]]] = {}
    for row in ask("select distinct kpi_id, dimension, period_grain from marts.kpi_values order by all"):
        grains.setdefault(row["kpi_id"], {}).setdefault(row["dimension"], []).append(row["period_grain"])
    latest = ask("""
        select kpis.kpi_id, months.period_start, months.value
        from marts.dim_kpi as kpis
        inner join marts.kpi_month as months
            on kpis.kpi_id = months.kpi_id and kpis.last_month = months.period_start and months.dimension = 'all'
    """)
    tables = ask("select table_name from information_schema.tables where table_schema = 'marts'")
    counts = " union all ".join(
        f"select '{table}' as table_name, count(*) as row_count from marts.{table}" for table in map(_name, tables)
    )
    return Release(
        info=ask("select * from marts.release_info")[0],
        kpis=ask("select * from marts.dim_kpi order by label_en, kpi_id"),
        values={row["kpi_id"]: row for row in latest},
        grains=grains,
        targets=ask("""
            select * from marts.kpi_targets order by dimension <> 'all', dimension, dimension_value, valid_from
        """),
        benchmarks=ask("select * from marts.kpi_benchmarks order by not is_reference, benchmark_id"),
        rows={row["table_name"]: row["row_count"] for row in ask(counts)},
        audit=ask("""
            select
                table_name, count(*) as files, sum(rows_read)::bigint as rows_read,
                sum(rows_loaded)::bigint as rows_loaded, sum(rows_rejected)::bigint as rows_rejected,
                sum(rows_superseded)::bigint as rows_superseded
            from marts.load_audit group by table_name order by table_name
        """),
        reasons=ask("""
            select table_name, column_name, reason, count(*) as row_count
            from marts.rejected_rows group by all order by row_count desc, table_name, reason, column_name
        """),
    )


def _name(row: Row) -> str:
    return row["table_name"]
