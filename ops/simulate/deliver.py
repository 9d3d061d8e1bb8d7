"""Writing tables: as one file each, or as the daily deliveries whose latest rows are that same table."""

import gzip
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ops.simulate.contract import TABLES

_TYPES = {
    "text": pl.String,
    "bool": pl.Boolean,
    "int": pl.Int64,
    "money": pl.Decimal(18, 2),
    "rate": pl.Decimal(18, 6),
    "date": pl.Date,
    "ts": pl.Datetime("us"),
}


def _created(name: str, frame: pl.DataFrame) -> str:
    """The instant at which a row appears: `_created_at`, else the table's first happened-at column."""
    return "_created_at" if "_created_at" in frame.columns else TABLES[name].instants[0]


def _changes(name: str, frame: pl.DataFrame) -> list[str]:
    """The instants that change a row after it appeared."""
    hidden = [c for c in frame.columns if c.startswith("_") and c != "_row"]
    return [c for c in (*TABLES[name].instants, *hidden) if c != _created(name, frame)]


def _known_until(name: str, frame: pl.DataFrame, cutoff: pl.Expr) -> pl.DataFrame:
    """The rows as they were known at `cutoff`: later rows are absent, later changes are null."""
    table = TABLES[name]
    changes = _changes(name, frame)
    frame = frame.filter(pl.col(_created(name, frame)) <= cutoff)
    unknown = {c: pl.col(c) > cutoff for c in changes}
    dependents = {
        d: pl.when(unknown[c] | pl.col(c).is_null()).then(None).otherwise(pl.col(d)).alias(d)
        for c in changes
        for d in table.with_instant.get(c, ())
    }
    blanked = [pl.when(~unknown[c]).then(pl.col(c)).alias(c) for c in changes]
    return frame.with_columns(*dependents.values(), *blanked)


def published(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of the contract, in its order and types (text held as codes stays so: files show no difference)."""
    columns = TABLES[name].columns
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise ValueError(f"table {name} lacks columns {missing}")
    coded = {name for name, kind in frame.schema.items() if isinstance(kind, pl.Enum)}
    return frame.select(
        pl.col(c.name) if c.name in coded else pl.col(c.name).cast(_TYPES[c.type]) for c in columns.values()
    )


def as_known(name: str, frame: pl.DataFrame, cutoff: np.datetime64) -> pl.DataFrame:
    """The whole table as it is known at `cutoff` (UTC), in the contract's shape; helper columns (`_...`) are gone."""
    return published(name, _known_until(name, frame, pl.lit(cutoff.astype("M8[us]").item())))


def deliveries(name: str, frame: pl.DataFrame, first_day: date, cutoff: np.datetime64) -> pl.DataFrame:
    """Every version of every row with its delivery day `dt`.

    A row is delivered on the UTC day it appears and on each later UTC day on which one of its instants falls, complete
    and as known at the end of that day. What happened before `first_day` comes with the first delivery.
    """
    end = pl.lit(cutoff.astype("M8[us]").item())
    frame = frame.with_row_index("_row").cast({"_row": pl.Int64})
    created = _created(name, frame)
    instants = [created, *_changes(name, frame)]
    days = [pl.max_horizontal(pl.col(c).cast(pl.Date), pl.lit(first_day)) for c in instants]
    changes = [
        frame.filter(pl.col(created) <= end, pl.col(c) <= end).select("_row", day.alias("dt"))
        for c, day in zip(instants, days, strict=True)
    ]
    # A change that is older than the row's creation (clocks that disagree) comes with the row.
    born = frame.select("_row", days[0].alias("_born"))
    versions = (
        pl.concat(changes)
        .join(born, on="_row", maintain_order="left")
        .select("_row", pl.max_horizontal("dt", "_born").alias("dt"))
        .unique()
        .sort("dt", "_row", maintain_order=True)
    )
    rows = versions.join(frame, on="_row", how="left", maintain_order="left").drop("_row")
    day_end = pl.min_horizontal(
        (pl.col("dt").cast(pl.Datetime("us")) + pl.duration(days=1) - pl.duration(microseconds=1)), end
    )
    known = _known_until(name, rows, day_end)
    return pl.concat([known.select("dt"), published(name, known)], how="horizontal")


def write_file(frame: pl.DataFrame, path: Path, fmt: str) -> None:
    """Write one file; the same frame always gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if fmt == "parquet":
        frame.write_parquet(path, compression="zstd")
        return
    text = frame.write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ")
    if fmt == "csv.gz":
        path.write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))
    else:
        path.write_text(text, encoding="utf-8", newline="")


def write_whole(name: str, parts: Iterator[pl.DataFrame], out: Path, fmt: str) -> int:
    """Write `<table>.<fmt>`, or the events as `events/part-000.<fmt>` and so on; returns the number of rows."""
    rows = 0
    for number, part in enumerate(parts):
        path = out / name / f"part-{number:03d}.{fmt}" if name == "events" else out / f"{name}.{fmt}"
        write_file(part, path, fmt)
        rows += part.height
    return rows


def write_daily(name: str, parts: Iterator[pl.DataFrame], out: Path, fmt: str) -> int:
    """Write `<table>/dt=<day>/part-0.<fmt>` for every delivery day; returns the number of rows, versions included.

    The last two days of a part wait for the next part: a session is shorter than a day, so earlier ones are complete.
    A table without a row is one file with nothing but its header.
    """
    rows = 0
    waiting = None
    for part in parts:
        versions = part if waiting is None else pl.concat([waiting, part])
        last = versions["dt"].max()
        done = pl.col("dt") < (last - timedelta(days=1) if last else date.min)
        _write_days(name, versions.filter(done), out, fmt)
        waiting = versions.filter(~done)
        rows += part.height
    _write_days(name, waiting, out, fmt)
    if not rows:
        write_file(waiting.drop("dt"), out / name / f"part-0.{fmt}", fmt)
    return rows


def write_last_days(
    name: str, parts: Iterator[pl.DataFrame], first_day: date, cutoff: np.datetime64, days: int, out: Path, fmt: str
) -> int:
    """Write a table as known before the last UTC days, whole, and each of these days as a delivery of its own.

    `parts` are its frames as simulated. Returns the number of rows, versions included.
    """
    before = np.datetime64(cutoff, "D") - days + 1
    versions = []

    def known() -> Iterator[pl.DataFrame]:
        for part in parts:
            versions.append(deliveries(name, part, first_day, cutoff).filter(pl.col("dt") >= before.item()))
            yield as_known(name, part, before.astype("M8[us]") - np.timedelta64(1, "us"))

    rows = write_whole(name, known(), out, fmt)
    late = pl.concat(versions)
    _write_days(name, late, out, fmt)
    return rows + late.height


def _write_days(name: str, versions: pl.DataFrame, out: Path, fmt: str) -> None:
    for (day,), rows in versions.partition_by("dt", as_dict=True, maintain_order=True).items():
        write_file(rows.drop("dt"), out / name / f"dt={day.isoformat()}" / f"part-0.{fmt}", fmt)
