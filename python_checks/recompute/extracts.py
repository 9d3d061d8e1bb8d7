"""Reads a folder of extracts and judges every row by the contract.

CSV is read with Python's csv module and Parquet as text, so that every value is judged in its written form before
it becomes a number, a time or a truth value. What cannot be read or is out of bounds is left out, with its reason.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from python_checks.recompute.contract import REQUIRED_TABLES, TABLES, Table

MONEY_PLACES = 4  # money is held as whole ten-thousandths of a unit of its currency
CHUNK = 100_000
FILE_ENDINGS = (".csv", ".csv.gz", ".parquet")
POLARS_TYPES = {
    "text": pl.String,
    "enum": pl.String,
    "currency": pl.String,
    "decimal": pl.String,  # kept as written: a rate is used exactly
    "time": pl.Datetime("us", "UTC"),
    "plan": pl.Datetime("us", "UTC"),
    "date": pl.Date,
    "int": pl.Int64,
    "money": pl.Int64,
    "bool": pl.Boolean,
}
WRITTEN_FORMS = {
    "time": r"^\d{4}-\d{2}-\d{2}(Z?|[T ]\d{2}:\d{2}(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)$",
    "date": r"^\d{4}-\d{2}-\d{2}$",
    "int": r"^-?\d{1,18}$",
    "money": r"^-?\d{1,14}(\.\d{1,4})?$",
    "decimal": r"^-?\d{1,18}(\.\d+)?$",
    "currency": r"^[A-Z]{3}$",
    "bool": r"^(true|false)$",
}
WRITTEN_FORMS["plan"] = WRITTEN_FORMS["time"]
OFFSET = r":\d{2}(?:\.\d+)?([+-])(\d{2}):?(\d{2})?$"
MOST_OFFSET = 16 * 60  # minutes
FIRST_YEAR, LAST_YEAR = 1990, 2100

csv.field_size_limit(2**31 - 1)


class ExtractError(Exception):
    """The extracts cannot be used at all; the message names the file and what was found."""


@dataclass
class Extracts:
    """The rows that count, in one typed frame per table (empty for an absent table), and how they were found.

    `present` holds `table` for every delivered table and `table.column` for every column with a value in some row.
    `files` has one row per file: table_name, file_name, rows_read, rows_loaded, rows_rejected, rows_superseded.
    `rejected` has one row per rejected row: table_name, file_name, row_number, reason.
    """

    frames: dict[str, pl.DataFrame]
    present: frozenset[str] = frozenset()
    files: pl.DataFrame = field(default_factory=pl.DataFrame)
    rejected: pl.DataFrame = field(default_factory=pl.DataFrame)

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.frames[table]

    def has(self, *needs: str) -> bool:
        """Whether every table or table.column named is there."""
        return all(need in self.present for need in needs)


@dataclass
class RawFile:
    """One file as text: its records (columns of the header, `_row`), and the rows that could not be split."""

    path: Path
    header: list[str]
    records: pl.DataFrame
    rows_read: int
    bad_rows: list[tuple[int, str]]


# -- files ------------------------------------------------------------------------------------------------------------


def table_files(folder: Path, table: str) -> list[Path]:
    """The files that make up a table: `<table>.csv`, `.csv.gz`, `.parquet`, or a folder of such files."""
    single = [folder / f"{table}{ending}" for ending in FILE_ENDINGS]
    inside = (folder / table).rglob("*") if (folder / table).is_dir() else ()
    return [path for path in (*single, *sorted(inside)) if path.is_file() and path.name.endswith(FILE_ENDINGS)]


def delivery(path: Path, folder: Path) -> tuple[str, dt.date]:
    """`dt` of the file's folder (empty when it has none) and the day it was delivered (else its modification day)."""
    for part in path.relative_to(folder).parts:
        match = re.fullmatch(r"dt=(\d{4}-\d{2}-\d{2})", part)
        if match:
            return match[1], dt.date.fromisoformat(match[1])
    return "", dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date()


def read_file(path: Path) -> RawFile:
    """A CSV, gzipped CSV or Parquet file as text. Raises ExtractError for a file without a usable header."""
    return _read_parquet(path) if path.name.endswith(".parquet") else _read_csv(path)


def _read_csv(path: Path) -> RawFile:
    content = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:200]:
        return _refuse(path, [], content.decode("utf-16", "replace").splitlines(), "the file is UTF-16, not UTF-8")
    try:
        text, is_utf8 = content.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        text, is_utf8 = content.decode("utf-8-sig", "surrogateescape"), False
    lines = list(io.StringIO(text, newline=""))
    header = next(csv.reader(lines[:1]), [])
    if not header:
        raise ExtractError(f"{path}: no header line")
    if len(set(header)) < len(header):
        raise ExtractError(f"{path}: the header names a column twice: {', '.join(header)}")
    if "\r" in text and len(_line_ends(text)) > 1:
        return _refuse(path, header, lines, "the file mixes line ends")
    try:
        numbered, bad_rows = _split(lines)
    except csv.Error:
        return _refuse(path, header, lines, "the file does not reconcile: a quote is never closed")

    rows_read = len(numbered) + len(bad_rows)
    width = len(header)
    bad_rows += [(n, f"{len(row)} fields instead of {width}") for n, row in numbered if len(row) != width]
    numbered = [(n, row) for n, row in numbered if len(row) == width]
    if not is_utf8:
        bad_rows += [(n, "not UTF-8") for n, row in numbered if not _encodable(row)]
        numbered = [(n, row) for n, row in numbered if _encodable(row)]
    return RawFile(path, header, _frame(header, numbered), rows_read, bad_rows)


def _line_ends(text: str) -> set[str]:
    return set(re.findall(r"\r\n|\r|\n", re.sub(r'"[^"]*"', "", text)))


def _encodable(row: list[str]) -> bool:
    return not any("\udc80" <= character <= "\udcff" for value in row for character in value)


def _split(lines: list[str]) -> tuple[list[tuple[int, list[str]]], list[tuple[int, str]]]:
    """Records with their ordinal, and single lines whose quotes are wrong.

    Raises csv.Error when a misplaced quote runs over the end of its line: then nobody can say where a record ends.
    """
    records: list[tuple[int, list[str]]] = []
    bad: list[tuple[int, str]] = []
    start, ordinal = 1, 0
    while start < len(lines):
        reader = csv.reader(lines[start:], strict=True)
        before = 0
        try:
            for row in reader:
                before = reader.line_num
                if row:  # a blank line is no record
                    ordinal += 1
                    records.append((ordinal, row))
            return records, bad
        except csv.Error:
            if reader.line_num - before > 1 or lines[start + before].count('"') % 2:
                raise
            ordinal += 1
            bad.append((ordinal, "a quote where none may stand"))
            start += reader.line_num
    return records, bad


def _frame(header: list[str], numbered: list[tuple[int, list[str]]]) -> pl.DataFrame:
    """Records as text columns, an empty field as null, in chunks to bound the memory."""
    schema = {**dict.fromkeys(header, pl.String), "_row": pl.Int64}
    parts = [pl.DataFrame(schema=schema)]
    for first in range(0, len(numbered), CHUNK):
        chunk = numbered[first : first + CHUNK]
        columns = zip(header, zip(*(row for _, row in chunk), strict=True), strict=True)
        series = [pl.Series(name, values, dtype=pl.String) for name, values in columns]
        parts.append(pl.DataFrame([*series, pl.Series("_row", [n for n, _ in chunk], dtype=pl.Int64)]))
    return pl.concat(parts).with_columns(pl.col(name).replace("", None) for name in header)


def _refuse(path: Path, header: list[str], lines: list[str], reason: str) -> RawFile:
    rows = max(len(lines) - 1, 0)
    return RawFile(path, header, _frame(header, []), rows, [(n + 1, reason) for n in range(rows)])


def _read_parquet(path: Path) -> RawFile:
    try:
        frame = pl.read_parquet(path, hive_partitioning=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ExtractError(f"{path}: not a readable Parquet file: {error}") from error
    records = frame.select(_as_text(pl.col(name), kind) for name, kind in frame.schema.items())
    return RawFile(path, frame.columns, records.with_row_index("_row", 1), len(frame), [])


def _as_text(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.Datetime):
        moment = column.dt.convert_time_zone("UTC") if kind.time_zone else column
        return moment.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    if kind == pl.Boolean:
        return pl.when(column).then(pl.lit("true")).when(~column).then(pl.lit("false")).alias(column.meta.output_name())
    return column.cast(pl.String).replace("", None)


# -- rows -------------------------------------------------------------------------------------------------------------


def parsed(column: pl.Expr, kind: str) -> pl.Expr:
    """A text column that has its type's written form as that type; what names no real time or number is null."""
    if kind in ("time", "plan"):
        local = pl.concat_str(
            column.str.slice(0, 10), pl.lit(" "), column.str.extract(r"^.{11}(\d{2}:\d{2})").fill_null("00:00"),
            column.str.extract(r"^.{16}(:\d{2})").fill_null(":00"),
            column.str.extract(r"^.{19}(\.\d{1,6})").fill_null(".0"),
        ).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
        sign, hours, minutes = (column.str.extract(OFFSET, group) for group in (1, 2, 3))
        offset = hours.cast(pl.Int64).fill_null(0) * 60 + minutes.cast(pl.Int64).fill_null(0)
        utc = local - pl.duration(minutes=pl.when(sign == "-").then(-offset).otherwise(offset))
        return pl.when(offset < MOST_OFFSET).then(utc).otherwise(None).dt.replace_time_zone("UTC")
    if kind == "date":
        return column.str.to_date("%Y-%m-%d", strict=False)
    if kind == "int":
        return column.cast(pl.Int64, strict=False)
    if kind == "money":
        whole = column.str.extract(r"^(-?\d+)")
        places = column.str.extract(r"\.(\d+)$").fill_null("").str.pad_end(MONEY_PLACES, "0")
        return pl.concat_str(whole, places).cast(pl.Int64, strict=False)
    if kind == "bool":
        return column == "true"
    return column


def judge(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Types the text columns of a table and adds `_reason`: why a row is rejected, null for a good one.

    Besides the contract's columns `rows` carries `_day`, the day its file was delivered.
    """
    columns = table.columns.values()
    typed = []
    for column in columns:
        text = pl.col(column.name)
        form = WRITTEN_FORMS.get(column.type)
        text = pl.when(text.str.contains(form)).then(text).otherwise(None) if form else text
        typed.append(parsed(text, column.type).cast(POLARS_TYPES[column.type]).alias(f"{column.name}="))
    rows = rows.with_columns(typed)

    latest_day = pl.col("_day") + pl.duration(days=1)
    reasons = []
    for column in columns:
        text, value = pl.col(column.name), pl.col(f"{column.name}=")
        found = [(value.is_null() & text.is_not_null(), f"is no {column.type}")]
        if column.required:
            found.append((text.is_null(), "is missing"))
        if column.words:
            found.append((~text.is_in(list(column.words)), f"is none of {', '.join(column.words)}"))
        if column.bounds:
            number = value.cast(pl.Float64)
            low, _, high = column.bounds.partition("..")
            if high:
                outside = (number < float(low)) | (number > float(high))
            else:
                outside = number <= 0 if column.bounds == ">0" else number < 0
            found.append((outside, f"is not {column.bounds}"))
        if column.type in ("time", "plan", "date"):
            year = value.dt.year()
            found.append(((year < FIRST_YEAR) | (year > LAST_YEAR), f"is not in {FIRST_YEAR}..{LAST_YEAR}"))
        if column.type == "time":
            found.append((value.cast(pl.Date) > latest_day, "is later than the delivery day + 1"))
        reasons += [pl.when(wrong).then(pl.lit(f"{column.name} {why}")) for wrong, why in found]
    if table.name == "order_lines":
        too_much = pl.col("seller_discount=") > pl.col("quantity=") * pl.col("unit_price=")
        reasons.append(pl.when(too_much).then(pl.lit("seller_discount is more than quantity x unit_price")))
    if table.name == "survey_invitations":
        outside = (pl.col("survey") != "nps") & ~pl.col("score=").is_between(1, 5)
        reasons.append(pl.when(outside).then(pl.lit("score is not 1..5")))

    own = [name for name in rows.columns if name.startswith("_")]
    judged = (pl.col(f"{column.name}=").alias(column.name) for column in columns)
    return rows.select(*judged, *own, _reason=pl.coalesce(reasons))


def latest(rows: pl.DataFrame, key: Iterable[str]) -> pl.DataFrame:
    """One row per key: the one delivered last, by (dt, file name, row)."""
    return rows.sort("_dt", "_file", "_row").unique(list(key), keep="last", maintain_order=True)


# -- the whole --------------------------------------------------------------------------------------------------------


def read_extracts(folder: Path | str, progress=lambda message: None) -> Extracts:
    """The extracts of a folder. Raises ExtractError for a missing table or column and for an unusable file."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ExtractError(f"{folder}: no such folder")
    sources: dict[str, list[tuple[RawFile, str, str, dt.date]]] = {}
    for name, table in TABLES.items():
        for path in table_files(folder, name):
            progress(f"reading {path.relative_to(folder)}")
            raw = read_file(path)
            missing = [c.name for c in table.columns.values() if c.required and c.name not in raw.header]
            if missing and raw.header:
                raise ExtractError(f"{path}: no column {', '.join(missing)}; found {', '.join(raw.header)}")
            sources.setdefault(name, []).append((raw, str(path.relative_to(folder)), *delivery(path, folder)))
    absent = [name for name in REQUIRED_TABLES if name not in sources]
    if absent:
        raise ExtractError(f"{folder}: no table {', '.join(absent)}")
    return assemble(sources)


def assemble(sources: dict[str, list[tuple[RawFile, str, str, dt.date]]]) -> Extracts:
    """Judges, deduplicates and types the raw files of each table: (raw file, file name, dt, delivery day)."""
    frames, counts, rejected = {}, [], []
    for name, table in TABLES.items():
        files = sources.get(name, [])
        rows = judge(table, _stack(table, files))
        loaded = latest(rows.filter(pl.col("_reason").is_null()), table.key)
        if name == "order_lines":
            held = loaded.join(frames["orders"], on="order_id", how="anti")
            loaded = loaded.join(frames["orders"], on="order_id", how="semi")
            held = held.with_columns(_reason=pl.lit("order_id names no order"))
            rows = pl.concat([rows, held]).unique(["_file", "_row"], keep="last", maintain_order=True)
        out = rows.filter(pl.col("_reason").is_not_null())
        rejected.append(_rejected(name, [(file, *bad) for raw, file, *_ in files for bad in raw.bad_rows]))
        rejected.append(out.select(table_name=pl.lit(name), file_name="_file", row_number="_row", reason="_reason"))
        for raw, file, *_ in files:
            in_file = pl.col("_file") == file
            bad = len(raw.bad_rows) + len(out.filter(in_file))
            kept = len(loaded.filter(in_file))
            counts.append((name, file, raw.rows_read, kept, bad, raw.rows_read - kept - bad))
        frames[name] = loaded.select(list(table.columns))

    present = {name for name in TABLES if sources.get(name)}
    present |= {f"{name}.{column.name}" for name, frame in frames.items() for column in frame if column.count()}
    columns = ["table_name", "file_name", "rows_read", "rows_loaded", "rows_rejected", "rows_superseded"]
    files = pl.DataFrame(counts, schema=dict(zip(columns, [pl.String] * 2 + [pl.Int64] * 4, strict=True)), orient="row")
    return Extracts(frames, frozenset(present), files, pl.concat(rejected))


def _stack(table: Table, files: list[tuple[RawFile, str, str, dt.date]]) -> pl.DataFrame:
    own = {"_row": pl.Int64, "_file": pl.String, "_dt": pl.String, "_day": pl.Date}
    parts = [pl.DataFrame(schema={**dict.fromkeys(table.columns, pl.String), **own})]
    for raw, file, delivered, day in files:
        known = set(raw.records.columns)
        texts = (pl.col(c) if c in known else pl.lit(None, pl.String).alias(c) for c in table.columns)
        parts.append(raw.records.select(
            *texts, pl.col("_row").cast(pl.Int64), _file=pl.lit(file), _dt=pl.lit(delivered), _day=pl.lit(day)))
    return pl.concat(parts)


def _rejected(table: str, rows: list[tuple[str, int, str]]) -> pl.DataFrame:
    schema = {"file_name": pl.String, "row_number": pl.Int64, "reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row").select(pl.lit(table).alias("table_name"), pl.all())


def rows_read(folder: Path | str) -> Iterator[tuple[str, str, int]]:
    """(table, file name, rows read) of every file of the contract's tables in a folder, without judging any row."""
    folder = Path(folder)
    for name in TABLES:
        for path in table_files(folder, name):
            yield name, str(path.relative_to(folder)), read_file(path).rows_read
