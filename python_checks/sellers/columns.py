"""Columns of the extracts that no KPI is made of."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from python_checks.recompute import extracts as reading
from python_checks.recompute.contract import TABLES
from python_checks.recompute.extracts import Extracts


def read_columns(extracts: Extracts, table: str, *columns: str) -> pl.DataFrame:
    """The rows of a table that count, with its key and these columns only; the table, any but events, is read anew."""
    contract = TABLES[table]
    wanted = {*contract.key, *columns}
    widened = replace(
        contract,
        columns={name: replace(column, used=name in wanted) for name, column in contract.columns.items()})
    files = (
        reading._judged(widened, file, extracts._pieces(file, widened)) for file in extracts.delivered.get(table, []))
    orders = extracts["orders"] if table == "order_lines" else None
    return reading._load(widened, files, orders).frame
