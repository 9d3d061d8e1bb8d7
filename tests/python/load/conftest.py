"""A tiny marketplace to break, and dbt runs over it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

CUSTOMERS = "customer_id,created_at,email\n"
SELLERS = "seller_id,registered_at\n"
PRODUCTS = "product_id\n"
ORDERS = "order_id,customer_id,ordered_at,currency\n"
LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price\n"


class Marketplace:
    """A folder of extracts, good until a test breaks it, with a warehouse of its own."""

    def __init__(self, folder: Path, work: Path, run_dbt: Callable[..., subprocess.CompletedProcess]):
        self.folder, self.work, self.run_dbt = folder, work, run_dbt
        self.database = work / "warehouse.duckdb"
        self.connector = "native"
        folder.mkdir(parents=True, exist_ok=True)
        self.write("customers.csv", CUSTOMERS + "c1,2026-01-01T10:00:00Z,ann@example.org\n")
        self.write("sellers.csv", SELLERS + "s1,2026-01-01T10:00:00Z\n")
        self.write("products.csv", PRODUCTS + "p1\n")
        self.write("orders.csv", ORDERS + "o1,c1,2026-01-02T10:00:00Z,EUR\n")
        self.write("order_lines.csv", LINES + "l1,o1,s1,p1,1,9.99\n")

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def dbt(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Runs dbt in a process of its own; its output is in stdout."""
        settings = {"EXTRACTS_DIR": str(self.folder), "CONNECTOR": self.connector, "PII_KEY": "a key for tests"}
        return self.run_dbt(self.work, *arguments, **{**settings, **environment})

    def load(self, *select: str) -> subprocess.CompletedProcess:
        """Loads staging models (every one by default) and the trust tables."""
        run = self.dbt("run", "--select", *(select or ["staging"]), "load_audit", "rejected_rows")
        assert run.returncode == 0, run.stdout
        return run

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    def audit(self) -> dict[str, tuple[int, int, int, int]]:
        """File name -> rows read, loaded, rejected, superseded."""
        rows = self.query(
            "select file_name, rows_read, rows_loaded, rows_rejected, rows_superseded from marts.load_audit"
        )
        return {name: tuple(counts) for name, *counts in rows}

    def rejected(self, file_name: str) -> list[tuple]:
        """row_number, column_name, reason, row_content of a file's rejected rows, in order."""
        return self.query(f"""
            select row_number, column_name, reason, row_content
            from marts.rejected_rows where file_name = '{file_name}' order by row_number
        """)


@pytest.fixture(scope="session")
def work(tmp_path_factory) -> Path:
    """Warehouse and target folder of this worker; one for all, so that dbt parses the project once."""
    return tmp_path_factory.mktemp("load")


@pytest.fixture(scope="module")
def market(work, tmp_path_factory, run_dbt) -> Marketplace:
    """One marketplace for the tests of a module."""
    (work / "warehouse.duckdb").unlink(missing_ok=True)
    return Marketplace(tmp_path_factory.mktemp("extracts"), work, run_dbt)


@pytest.fixture
def fresh(work, tmp_path, run_dbt) -> Marketplace:
    """A marketplace for one test alone."""
    (work / "warehouse.duckdb").unlink(missing_ok=True)
    return Marketplace(tmp_path / "extracts", work, run_dbt)
