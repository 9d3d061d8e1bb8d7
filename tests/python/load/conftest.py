"""A tiny marketplace to break, and dbt runs over it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ops.land import Landed, land

CUSTOMERS = "customer_id,created_at,email\n"
SELLERS = "seller_id,registered_at\n"
PRODUCTS = "product_id\n"
ORDERS = "order_id,customer_id,ordered_at,paid_at,currency\n"
LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price\n"


class Marketplace:
    """A folder of extracts, good until a test breaks it, with a warehouse of its own."""

    def __init__(self, folder: Path, work: Path, run_dbt: Callable[..., subprocess.CompletedProcess]):
        self.folder, self.work, self.run_dbt = folder, work, run_dbt
        self.database = work / "warehouse.duckdb"
        self.landing = work / "landing"
        self.connector = "native"
        folder.mkdir(parents=True, exist_ok=True)
        self.write("customers.csv", CUSTOMERS + "c1,2026-01-01T10:00:00Z,ann@example.org\n")
        self.write("sellers.csv", SELLERS + "s1,2026-01-01T10:00:00Z\n")
        self.write("products.csv", PRODUCTS + "p1\n")
        self.write("orders.csv", ORDERS + "o1,c1,2026-01-02T10:00:00Z,2026-01-02T10:00:00Z,EUR\n")
        self.write("order_lines.csv", LINES + "l1,o1,s1,p1,1,9.99\n")

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def land(self) -> Landed:
        """Lands what the folder holds now."""
        return land(self.folder, self.landing, self.connector, say=lambda text: None)

    def dbt(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Runs dbt in a process of its own; its output is in stdout."""
        settings = {"LANDING_DIR": str(self.landing), "CONNECTOR": self.connector, "PII_KEY": "a key for tests"}
        return self.run_dbt(self.work, *arguments, **{**settings, **environment})

    def load(self, *arguments: str) -> subprocess.CompletedProcess:
        """Lands the files, builds and tests the staging models and the trust tables."""
        self.land()
        run = self.dbt("build", "--select", "staging", "load_audit", "rejected_rows", "rows_read_add_up", "--exclude",
                       "lines_and_orders_reconcile", "money_adds_up", *arguments)
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
    _forget(work)
    return Marketplace(tmp_path_factory.mktemp("extracts"), work, run_dbt)


@pytest.fixture
def fresh(work, tmp_path, run_dbt) -> Marketplace:
    """A marketplace for one test alone."""
    _forget(work)
    return Marketplace(tmp_path / "extracts", work, run_dbt)


def _forget(work: Path) -> None:
    (work / "warehouse.duckdb").unlink(missing_ok=True)
    shutil.rmtree(work / "landing", ignore_errors=True)
