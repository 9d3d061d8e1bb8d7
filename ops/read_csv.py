"""Reads one delivered CSV file into Arrow batches of text.

Python's csv module, strict, decides what a record is. What is added here is the judgement of a file: a row that cannot
be read goes to `lose` with its line, its reason and its text; a file whose quotes, line ends or encoding cannot be
trusted is refused as a whole (`Refused`). Lines are physical ones, counted from 1: LF, CR LF or a lone CR ends one.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv

LONGEST = 2**25  # characters of one field: csv holds a field in memory, and an open quote makes one of the whole file
CHUNK = 2**22
BATCH_ROWS, BATCH_CHARACTERS = 5_000, 2**23
csv.field_size_limit(LONGEST)

NOT_TEXT = "UTF-16 or binary, not UTF-8"
MIXED_ENDS = "mixed line ends: CR LF in some places, LF or CR in others"
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# What reading a damaged .gz file can raise, beside an OSError that names the file.
DAMAGED = (EOFError, zlib.error)

Lose = Callable[[int, str, str], None]  # line, reason, text of a row that cannot be read


class Refused(Exception):
    """No row of the file counts; the message says why."""


class NotPlain(Exception):
    """The file has to be read again, record by record."""


class CsvFile:
    """One delivered file: looked through once for what its bytes say, then read by `batches`.

    names     the names of the header: the first filled line; None when it is not well-formed, [] when there is none
    refused   why no row counts, as far as known before the rows are read
    Raises OSError or one of DAMAGED when the file cannot be read to its end.
    """

    def __init__(self, path: Path):
        self.path = path
        self.lines = 0  # physical lines
        self.ends: set[str] = set()  # the kinds of line ends
        self.has_quotes = self.has_nul = self.has_long_lines = False
        self.is_utf8 = True
        self._survey()
        self.header_line, self.header, self.names = 0, "", []
        self._read_header()
        self.refused = self._doubt()
        self.loaded = 0  # rows that the last `batches` yielded

    def _survey(self) -> None:
        """Counts bytes, apart from all parsing: what reading the rows is held against afterwards."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        counts = {b"\n": 0, b"\r": 0, b"\r\n": 0}
        before, since_end = b"", 0  # the byte before the chunk; bytes since a line last ended
        with _open(self.path) as file:
            while chunk := file.read(CHUNK):
                if not before:
                    chunk = chunk.removeprefix(codecs.BOM_UTF8)
                joined = before + chunk
                for end in counts:
                    counts[end] += joined.count(end) - before.count(end)
                self.has_quotes = self.has_quotes or b'"' in chunk
                self.has_nul = self.has_nul or b"\0" in chunk
                since_end = 0 if b"\n" in chunk or b"\r" in chunk else since_end + len(chunk)
                self.has_long_lines = self.has_long_lines or since_end > 0
                if since_end > LONGEST:
                    raise OSError(None, f"no line end in {LONGEST >> 20} MiB: this is no CSV file", str(self.path))
                if self.is_utf8:
                    try:
                        decoder.decode(chunk)
                    except UnicodeDecodeError:
                        self.is_utf8 = False
                before = joined[-1:]
        if self.is_utf8:
            try:
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                self.is_utf8 = False
        pairs = counts.pop(b"\r\n")
        ends = {"\n": counts[b"\n"] - pairs, "\r": counts[b"\r"] - pairs, "\r\n": pairs}
        self.ends = {end for end, count in ends.items() if count}
        self.lines = sum(ends.values()) + (before not in b"\r\n")

    def _read_header(self) -> None:
        with self._text() as text:
            for number, line in enumerate(text, 1):
                if line.rstrip("\r\n"):
                    self.header_line, self.header = number, line.rstrip("\r\n")
                    break
            else:
                return
        try:
            [self.names] = csv.reader([self.header], strict=True)
        except csv.Error:
            self.names = None

    def _doubt(self) -> str | None:
        if "\0" in self.header:
            return NOT_TEXT
        if not _is_utf8(self.header):
            return "the header line is not UTF-8"
        if len(self.ends) > 1 and not self.has_quotes:
            return MIXED_ENDS
        return None

    def other_separator(self, known: list[str]) -> str | None:
        """What separates the header where commas do not but a known name comes out: `semicolons`, for instance."""
        for separator, words in SEPARATORS.items():
            if separator in self.header:
                names = {name.strip(' "') for name in self.header.split(separator)}
                if names & set(known):
                    return words
        return None

    def is_plain(self) -> bool:
        """Whether each line is a record and each comma a separator, as far as bytes tell."""
        odd = self.has_quotes or self.has_nul or self.has_long_lines or not self.is_utf8
        return not odd and self.ends in ({"\n"}, {"\r\n"}) and self.header_line == 1 < self.lines

    def plain_batches(self, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        """The same as `batches` for a plain file, split by pyarrow several times as fast. Raises NotPlain when a line
        is no row, for it is blank or has other fields: what was yielded until then does not count."""
        self.loaded = 0
        places = [str(self.names.index(name)) for name in wanted]
        stream = pa.input_stream(str(self.path), compression="gzip" if self.path.suffix == ".gz" else None)
        try:
            reader = pyarrow.csv.open_csv(
                stream,
                pyarrow.csv.ReadOptions(
                    use_threads=False, block_size=2 * CHUNK, skip_rows=1,
                    column_names=[str(place) for place in range(len(self.names))],
                ),
                pyarrow.csv.ParseOptions(quote_char=False),
                pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(places, pa.string()), include_columns=places,
                    strings_can_be_null=True, null_values=[""],
                ),
            )
            for batch in reader:
                first = self.loaded + 2
                self.loaded += batch.num_rows
                numbers = pa.arange(first, first + batch.num_rows)
                yield pa.record_batch([*batch.columns, numbers], names=[*wanted, "_row"])
        except pa.ArrowInvalid as error:
            raise NotPlain from error
        finally:
            stream.close()
        if self.loaded + 1 != self.lines:
            raise NotPlain

    def batches(self, wanted: list[str], lose: Lose) -> Iterator[pa.RecordBatch]:
        """The wanted columns as text, empty as null, and `_row`, the line on which each row begins. When it raises
        Refused, nothing that was yielded or lost until then counts."""
        places = [self.names.index(name) for name in wanted]
        self.loaded, width, characters = 0, len(self.names), 0
        rows: list[list[str]] = []
        numbers: list[int] = []
        record: list[str] = []  # the physical lines of the record at hand
        ends = set()
        doubtful, several_ends = self.has_nul or not self.is_utf8, len(self.ends) > 1

        def batch() -> pa.RecordBatch:
            columns = [pa.array([row[place] or None for row in rows], pa.string()) for place in places]
            self.loaded += len(rows)
            return pa.record_batch([*columns, pa.array(numbers, pa.int64())], names=[*wanted, "_row"])

        with self._text() as text:
            def feed() -> Iterator[str]:
                for line in text:
                    record.append(line)
                    yield line

            line = 0  # the last line before the record at hand
            for _ in range(self.header_line):
                ends.add(_end(next(text)))
                line += 1
            reader = csv.reader(feed(), strict=True)
            while True:
                try:
                    row, flaw = next(reader, None), None
                except csv.Error as error:
                    row, flaw = [], self._flaw(error, record, line + 1)
                if row is None:
                    break
                if doubtful:
                    flaw = _unreadable("".join(record)) or flaw
                if several_ends:
                    ends.add(_end(record[-1]))
                if row and len(row) != width and not flaw:
                    if _swallows_records(row, width):
                        raise Refused(f"a quoted field of the record on line {line + 1} runs over whole records")
                    flaw = f"{len(row)} fields where the header has {width}"
                if flaw:
                    lose(line + 1, flaw, printable("".join(record)))
                elif row:
                    rows.append(row)
                    numbers.append(line + 1)
                    characters += sum(map(len, row))
                    if len(rows) == BATCH_ROWS or characters > BATCH_CHARACTERS:
                        yield batch()
                        rows, numbers, characters = [], [], 0
                line += len(record)
                record.clear()
            if rows:
                yield batch()
        if len(ends - {""}) > 1:
            raise Refused(MIXED_ENDS)
        if line != self.lines:
            raise Refused(f"its {self.lines} lines do not add up: its records take {line}")

    def _flaw(self, error: csv.Error, record: list[str], line: int) -> str:
        """Why one line is no record; Refused when more than this line is in doubt."""
        if "field limit" in str(error):
            raise Refused(
                f"a field of the record on line {line} is longer than {LONGEST >> 20} MiB, or its quote is never closed"
            )
        if len(record) > 1 or "unexpected end" in str(error):
            raise Refused(f"a quote opened in the record on line {line} is never closed")
        return "a quote stands where CSV allows none"

    def lose_all(self, reason: str, lose: Lose) -> None:
        """Makes a row that cannot be read of every filled line below the header."""
        with self._text() as text:
            for number, line in enumerate(text, 1):
                if number > self.header_line and line.strip("\r\n\0"):
                    lose(number, reason, printable(line))

    def _text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(_open(self.path), encoding="utf-8-sig", errors="surrogateescape", newline="")


def _open(path: Path) -> BinaryIO:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _swallows_records(row: list[str], width: int) -> bool:
    """Whether a field of a row with too many or too few fields holds lines that look like records of their own."""
    return any(
        line.count(",") + 1 == width
        for field in row if "\n" in field or "\r" in field
        for line in re.split("\r\n|\r|\n", field)[1:-1]
    )


def _unreadable(text: str) -> str | None:
    if not _is_utf8(text):
        return "not UTF-8"
    return "holds a NUL character" if "\0" in text else None


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)


def printable(text: str) -> str:
    """A row without its last line end and without NUL; what is not UTF-8 shows as the replacement character."""
    return text.rstrip("\r\n").replace("\0", "").encode(errors="surrogateescape").decode(errors="replace")
