"""Delivered files piece by piece: CSV as text, Parquet as its own types, known columns only."""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from python_checks.recompute.files import ExtractError

CSV_PIECE = 100_000
PARQUET_PIECE = 200_000
NO_TEXT = object()

csv.field_size_limit(sys.maxsize)


@dataclass
class Piece:
    """Some rows of a file and the rows that cannot be read: (row, reason).

    `_row` is the line on which a CSV row begins, or the ordinal of a Parquet row.
    """

    rows: pl.DataFrame
    bad: list[tuple[int, str]]


class Refused(Exception):
    """No row of the file counts. `rows` are its filled lines below the header; the message says why."""

    def __init__(self, reason: str, path: Path) -> None:
        super().__init__(reason)
        with _open(path) as lines:
            _, *self.rows = [n for n, line in enumerate(lines, 1) if line.strip("\r\n\0")]


def header_of(path: Path) -> list[str]:
    """The column names of a file; none for one that will be refused. Raises ExtractError when they cannot be read."""
    if path.suffix == ".parquet":
        try:
            return pq.read_schema(path).names
        except (pa.ArrowException, OSError) as error:
            raise ExtractError(f"{path}: not a readable Parquet file: {error}") from error
    with _open(path) as lines:
        try:
            first = next((line for line in lines if line.strip("\r\n")), "")
        except (OSError, EOFError) as error:
            raise ExtractError(f"{path}: not a readable file: {error}") from error
    if "\0" in first or not _is_utf8(first):
        return []
    try:
        names = next(csv.reader([first], strict=True), [])
    except csv.Error:
        raise ExtractError(f"{path}: the header line is not well-formed: {first.strip()}") from None
    if len(set(names)) < len(names) and not mixes_ends(path):
        raise ExtractError(f"{path}: the header names a column twice: {', '.join(names)}")
    return names


def mixes_ends(path: Path) -> bool:
    """Whether a CSV file has several line ends and no quote that could hold one: its header does not count either."""
    if path.suffix == ".parquet":
        return False
    with _open(path) as lines:
        ends = set()
        for line in lines:
            if '"' in line:
                return False
            ends.add(line[len(line.rstrip("\r\n")) :])
    return len(ends - {""}) > 1


def pieces_of(path: Path, known: Collection[str]) -> Iterator[Piece]:
    """The known columns of a file. Raises Refused, at the end too: then nothing that came before counts."""
    if path.suffix == ".parquet":
        return _parquet_pieces(path, known)
    return _csv_pieces(path, known)


# -- Parquet ----------------------------------------------------------------------------------------------------------


def _parquet_pieces(path: Path, known: Collection[str]) -> Iterator[Piece]:
    try:
        with pq.ParquetFile(path, coerce_int96_timestamp_unit="us") as file:
            names = [name for name in file.schema_arrow.names if name in known]
            start = 0
            for batch in file.iter_batches(PARQUET_PIECE, columns=names):
                numbers = pl.int_range(start + 1, start + batch.num_rows + 1, dtype=pl.Int64, eager=True)
                start += batch.num_rows
                columns = [_plain(batch.column(name)).alias(name) for name in names]
                rows = pl.DataFrame([*columns, numbers.alias("_row")])
                unreadable = [column.name for column in columns if column.dtype == pl.Binary]
                yield _readable(rows, unreadable) if unreadable else Piece(rows, [])
    except (pa.ArrowException, OSError) as error:
        raise ExtractError(f"{path}: not a readable Parquet file: {error}") from error
    finally:
        pa.default_memory_pool().release_unused()


def _plain(column: pa.Array) -> pl.Series:
    """An Arrow column as polars has it: bytes as text (as they are when they are no UTF-8), a UUID as it is written."""
    kind = column.type
    if kind == pa.uuid():
        digits = pl.Series(column.storage).bin.encode("hex")
        cuts = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
        return pl.select(pl.concat_str([pl.lit(digits).str.slice(*cut) for cut in cuts], separator="-")).to_series()
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(column.storage)
    if pa.types.is_duration(kind):  # in Parquet, a whole number
        return pl.Series(column.cast(pa.int64()))
    if pa.types.is_time(kind):
        return pl.Series(column.cast(pa.string()))
    if pa.types.is_decimal256(kind):  # wider than polars knows
        return pl.Series(column.cast(pa.string()))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        try:
            return pl.Series(column.cast(pa.binary()).cast(pa.string()))
        except pa.ArrowInvalid:
            pass
    return pl.Series(column)


def _readable(rows: pl.DataFrame, names: list[str]) -> Piece:
    """The rows whose bytes in these columns are UTF-8, as text."""
    texts = {name: [_decoded(value) for value in rows[name]] for name in names}
    good = [all(text is not NO_TEXT for text in row) for row in zip(*texts.values(), strict=True)]
    bad = [(number, "not UTF-8") for number, is_good in zip(rows["_row"], good, strict=True) if not is_good]
    decoded = [
        pl.Series(name, [None if text is NO_TEXT else text for text in values], pl.String)
        for name, values in texts.items()
    ]
    return Piece(rows.with_columns(decoded).filter(pl.Series(good, dtype=pl.Boolean)), bad)


def _decoded(value: bytes | None) -> str | object | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return NO_TEXT


# -- CSV --------------------------------------------------------------------------------------------------------------


def _open(path: Path) -> io.TextIOWrapper:
    """The file as lines with their ends as they are; bytes that are no UTF-8 stay recognizable."""
    raw = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 (closed with the wrapper)
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _csv_pieces(path: Path, known: Collection[str]) -> Iterator[Piece]:
    header = header_of(path)
    if not header:
        raise Refused("the header is UTF-16 or binary, not UTF-8", path)
    kept = [(place, name) for place, name in enumerate(header) if name in known]
    width, rows, numbers, bad = len(header), [], [], []
    for number, fields, why in _records(path, width):
        if fields is None:
            bad.append((number, why))
        else:
            rows.append(fields)
            numbers.append(number)
        if len(rows) == CSV_PIECE:
            yield _text_piece(kept, rows, numbers, bad)
            rows, numbers, bad = [], [], []
    yield _text_piece(kept, rows, numbers, bad)


def _records(path: Path, width: int) -> Iterator[tuple[int, list[str] | None, str]]:
    """(line, fields, why it cannot be read) of every record below the header."""
    lines: list[str] = []
    ends = set()
    with _open(path) as text:

        def feed() -> Iterator[str]:
            for line in text:
                lines.append(line)
                yield line

        reader = csv.reader(feed(), strict=True)
        is_header = True
        while True:
            lines.clear()
            try:
                fields = next(reader)
            except StopIteration:
                break
            except (OSError, EOFError) as error:
                raise ExtractError(f"{path}: not a readable file: {error}") from error
            except csv.Error as error:
                if len(lines) > 1 or "unexpected end" in str(error):
                    raise Refused("the file does not reconcile: a quote is never closed", path) from None
                fields = None
            last = lines[-1]
            ends.add("\r\n" if last.endswith("\r\n") else last[-1:] if last[-1:] in "\r\n" else "")
            if fields == []:
                continue  # a blank line is no record
            if is_header:
                is_header = False
                continue
            number = reader.line_num - len(lines) + 1
            if fields is None:
                yield number, None, "a quote where none may stand"
            elif not all(map(_is_text, lines)):
                yield number, None, "not UTF-8" if not all(map(_is_utf8, lines)) else "a NUL character"
            elif len(fields) != width:
                if any(_holds_records(field, width) for field in fields):
                    raise Refused("the file does not reconcile: a quoted field runs over whole records", path)
                yield number, None, f"{len(fields)} fields instead of {width}"
            else:
                yield number, fields, ""
    if len(ends - {""}) > 1:
        raise Refused("the file mixes line ends", path)


def _text_piece(
    kept: list[tuple[int, str]], rows: list[list[str]], numbers: list[int], bad: list[tuple[int, str]]
) -> Piece:
    columns = list(zip(*rows, strict=True)) if rows else [()] * (max((place for place, _ in kept), default=-1) + 1)
    series = [pl.Series(name, columns[place], dtype=pl.String) for place, name in kept]
    return Piece(pl.DataFrame([*series, pl.Series("_row", numbers, dtype=pl.Int64)]), bad)


def _holds_records(field: str, width: int) -> bool:
    """Whether lines within a field look like records of their own."""
    return any(line.count(",") + 1 == width for line in re.split("\r\n|\r|\n", field)[1:-1])


def _is_text(line: str) -> bool:
    return (line.isascii() or _is_utf8(line)) and "\0" not in line


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
