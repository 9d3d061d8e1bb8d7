"""Reads a folder of extracts, table by table as it is asked for, and keeps the rows that count.

Files are read in pieces. Every column is judged, those that KPIs are made of are kept. What cannot be read or is out of
bounds is left out, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from python_checks.recompute.contract import REQUIRED_TABLES, TABLES, Table
from python_checks.recompute.files import DeliveredFile, ExtractError, delivered_files
from python_checks.recompute.judge import POLARS_TYPES, judge
from python_checks.recompute.measure import UNKNOWN
from python_checks.recompute.pieces import Piece, Refused, header_of, mixes_ends, pieces_of

CODED = "events"  # the table whose texts are held as numbers: it has ten times the rows of any other
COUNTS = {"table_name": pl.String, "file_name": pl.String, "rows_read": pl.Int64, "rows_loaded": pl.Int64,
          "rows_rejected": pl.Int64, "rows_superseded": pl.Int64}
BOTS = {name: POLARS_TYPES[TABLES[CODED].columns[name].type] for name in ("visitor_id", "occurred_at")}
REJECTED = {"table_name": pl.String, "file_name": pl.String, "row_number": pl.Int64, "reason": pl.String}


@dataclass
class Loaded:
    """A table: the rows that count, per file what was counted, what was rejected and, of events, the bots (as told of
    Extracts)."""

    frame: pl.DataFrame
    files: list[tuple]
    rejected: pl.DataFrame
    bots: pl.DataFrame


class Extracts:
    """The rows that count, in one typed frame per table (empty for an absent one), read when first asked for.

    Columns are those KPIs are made of and the key. The events of bots are left out; events have `event_order`, the
    place of their event_id among all, instead of it, and their other texts are held as numbers (categorical).
    `bots` has visitor_id and occurred_at of the first event of a bot of each visitor with one, and is never forgotten.
    `files` has one row per file: table_name, file_name, rows_read, rows_loaded, rows_rejected, rows_superseded.
    `rejected` has one row per rejected row: table_name, file_name, row_number, reason.
    """

    def __init__(
        self, delivered: dict[str, list[DeliveredFile]], pieces: Callable[[DeliveredFile, Table], Iterator[Piece]],
        progress: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.delivered = delivered
        self._pieces, self._progress = pieces, progress
        self._loaded: dict[str, Loaded] = {}
        self._bots: pl.DataFrame | None = None

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self._load(table).frame

    def forget(self, table: str) -> None:
        """Drops the rows of a table; they are read again when asked for again."""
        self._loaded.pop(table, None)

    @property
    def bots(self) -> pl.DataFrame:
        """The visitors with an event of a bot."""
        if self._bots is None:
            self._load(CODED)
        return self._bots

    def deliveries(self, table: str) -> pl.DataFrame:
        """The good rows of a table from the first delivered to the last, those included that a later one supersedes."""
        files = self._judged(TABLES[table])
        kept = [_kept(TABLES[table], _empty_delivery(TABLES[table])), *(part for file in files for part in file.parts)]
        return pl.concat(kept).drop("_row", strict=False)

    @property
    def files(self) -> pl.DataFrame:
        """What was counted, of all tables."""
        rows = [row for table in TABLES for row in self._load(table).files]
        return pl.DataFrame(rows, schema=COUNTS, orient="row")

    @property
    def rejected(self) -> pl.DataFrame:
        """What was rejected, of all tables."""
        return pl.concat(self._load(table).rejected for table in TABLES)

    def _load(self, name: str) -> Loaded:
        if name not in self._loaded:
            orders = self["orders"] if name == "order_lines" else None
            self._loaded[name] = _load(TABLES[name], self._judged(TABLES[name]), orders)
            if name == CODED:
                self._bots = self._loaded[name].bots
        return self._loaded[name]

    def _judged(self, table: Table) -> Iterator[FileRows]:
        for file in self.delivered.get(table.name, []):
            self._progress(f"reading {file.name}")
            yield _judged(table, file, self._pieces(file, table))


@dataclass
class FileRows:
    """A file's good rows in their order, and its rejected ones."""

    name: str
    parts: list[pl.DataFrame]
    rejected: list[pl.DataFrame]

    @property
    def good(self) -> int:
        return sum(len(part) for part in self.parts)

    @property
    def bad(self) -> int:
        return sum(len(part) for part in self.rejected)


def read_extracts(folder: Path | str, progress: Callable[[str], None] = lambda message: None) -> Extracts:
    """The extracts of a folder. Raises ExtractError for a missing table or column and for an unusable file."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ExtractError(f"{folder}: no such folder")
    delivered = {name: delivered_files(folder, name) for name in TABLES}
    for name, files in delivered.items():
        for file in files:
            header = header_of(file.path)
            missing = [c.name for c in TABLES[name].columns.values() if c.expected and c.name not in header]
            if missing and header and not mixes_ends(file.path):
                raise ExtractError(f"{file.path}: no column {', '.join(missing)}; found {', '.join(header)}")
    absent = [name for name in REQUIRED_TABLES if not delivered[name]]
    if absent:
        raise ExtractError(f"{folder}: no table {', '.join(absent)}")
    return Extracts(delivered, lambda file, table: pieces_of(file.path, table.columns), progress)


# -- one table --------------------------------------------------------------------------------------------------------


def _judged(table: Table, file: DeliveredFile, pieces: Iterator[Piece]) -> FileRows:
    rows = FileRows(file.name, [], [])
    try:
        for piece in pieces:
            judged = judge(table, piece.rows, file.day)
            good = judged.filter(pl.col("_reason").is_null()) if judged["_reason"].count() else judged
            if len(good):
                rows.parts.append(_kept(table, good))
            if len(good) < len(judged):
                wrong = judged.filter(pl.col("_reason").is_not_null())
                rows.rejected.append(wrong.select(row_number="_row", reason="_reason"))
            if piece.bad:
                rows.rejected.append(_rejected(piece.bad))
    except Refused as refusal:
        return FileRows(file.name, [], [_rejected([(number, str(refusal)) for number in refusal.rows])])
    return rows


def _kept(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    if table.name != CODED:
        return rows.select(*table.used, "_row")
    texts = [name for name in table.used if rows.schema[name] == pl.String and name not in table.key]
    words = {name: table.columns[name].words for name in texts}
    return rows.select(table.used).with_columns(
        # a missing value becomes the segment `unknown` later: a word of its own
        pl.col(name).cast(pl.Enum([*words[name], UNKNOWN]) if words[name] else pl.Categorical) for name in texts)


def _rejected(rows: list[tuple[int, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"row_number": pl.Int64, "reason": pl.String}, orient="row")


def _load(table: Table, files: Iterator[FileRows], orders: pl.DataFrame | None) -> Loaded:
    """Of the good rows of each key the latest, by (dt, file name, row); lines of unknown orders wait."""
    read = list(files)
    keys = pl.concat([_key_columns(table), *(part.select(table.key) for file in read for part in file.parts)])
    is_latest = _is_latest(keys)

    counts, rejected, kept, start = [], [], [], 0
    for file in read:
        good, loaded, waiting = file.good, 0, []
        for part in file.parts:
            latest = _only(part, is_latest.slice(start, len(part)))
            start += len(part)
            if orders is not None:
                is_known = latest["order_id"].is_in(orders["order_id"].implode())
                waiting.append(latest.filter(~is_known).select(
                    row_number="_row", reason=pl.lit("order_id names no order")))
                latest = _only(latest, is_known)
            loaded += len(latest)
            kept.append(latest.drop("_row", strict=False))
        file.parts = []
        out = [part for part in (*file.rejected, *waiting) if len(part)]
        bad = sum(len(part) for part in out)
        rows_read = good + file.bad
        counts.append((table.name, file.name, rows_read, loaded, bad, rows_read - loaded - bad))
        rejected += [
            part.select(pl.lit(table.name).alias("table_name"), pl.lit(file.name).alias("file_name"), pl.all())
            for part in out
        ]
    bots = pl.DataFrame(schema=BOTS)
    if table.name == CODED:
        bots = _bots(kept)
        kept = _without_bots(kept, _places(_only(keys, is_latest).to_series()))
    del keys
    frame = _joined(kept) if kept else _empty(table)
    return Loaded(frame, counts, pl.concat([pl.DataFrame(schema=REJECTED), *rejected]), bots)


def _key_columns(table: Table) -> pl.DataFrame:
    return pl.DataFrame(schema={name: POLARS_TYPES[table.columns[name].type] for name in table.key})


def _is_latest(keys: pl.DataFrame) -> pl.Series:
    """Whether no row below has the same key."""
    hashes = keys.hash_rows()
    if hashes.n_unique() == len(hashes):  # then the keys are distinct too, and looking at numbers was cheaper
        return pl.repeat(True, len(hashes), eager=True)
    key = pl.col(keys.columns[0]) if keys.width == 1 else pl.struct(keys.columns)
    return keys.select(key.is_last_distinct()).to_series()


def _only(frame: pl.DataFrame, mask: pl.Series) -> pl.DataFrame:
    return frame if mask.all() else frame.filter(mask)


def _joined(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """The parts as one frame. They are emptied column by column, so that one column at a time is held twice."""
    columns = []
    for name in parts[0].columns:
        columns.append(pl.concat([part[name] for part in parts], rechunk=True))
        parts[:] = [part.drop(name) for part in parts]
    return pl.DataFrame(columns)


def _empty_delivery(table: Table) -> pl.DataFrame:
    schema = {name: POLARS_TYPES[table.columns[name].type] for name in table.used}
    return pl.DataFrame(schema={**schema, "_row": pl.Int64})


def _empty(table: Table) -> pl.DataFrame:
    empty = _kept(table, _empty_delivery(table)).drop("_row", strict=False)
    return _joined(_without_bots([empty], pl.Series([], dtype=pl.UInt32))) if table.name == CODED else empty


def _places(ids: pl.Series) -> pl.Series:
    """The place of each id in their order."""
    places = pl.int_range(len(ids), dtype=pl.UInt32, eager=True)
    if ids.is_sorted():
        return places
    return pl.DataFrame({"at": ids.arg_sort(), "place": places}).sort("at")["place"]


def _bots(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """visitor_id and occurred_at of each visitor's first event of a bot."""
    of_bots = (part.filter("is_bot").select(pl.col("visitor_id").cast(pl.String), "occurred_at") for part in parts)
    return pl.concat([pl.DataFrame(schema=BOTS), *of_bots]).group_by("visitor_id").agg(pl.min("occurred_at"))


def _without_bots(parts: list[pl.DataFrame], places: pl.Series) -> list[pl.DataFrame]:
    """The parts without the events of bots, with the place of their event_id instead of it."""
    start = 0
    for place, part in enumerate(parts):
        events = part.drop("event_id").with_columns(event_order=places.slice(start, len(part)))
        start += len(part)
        parts[place] = _only(events, ~events["is_bot"].fill_null(False)).drop("is_bot")
    return parts
