"""How much memory a recomputation will take."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from python_checks.recompute.files import DeliveredFile

GIB = 2**30
BLOCK = 2**22
# Bytes at the peak, measured on simulated markets of three sizes.
BASE = 400 * 2**20
PER_ROW = {"orders": 900, "order_lines": 900, "events": 190}


def estimate(delivered: Mapping[str, list[DeliveredFile]]) -> int:
    """Bytes the recomputation of every KPI takes at its peak, from the number of rows delivered."""
    return BASE + sum(size * count(file.path) for table, size in PER_ROW.items() for file in delivered.get(table, []))


def count(path: Path) -> int:
    """Rows of a Parquet file, lines of a CSV file."""
    if path.suffix == ".parquet":
        return pq.read_metadata(path).num_rows
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK), b""))


def written(size: int) -> str:
    """A size as a person reads it."""
    return f"{size / GIB:.1f} GiB"
