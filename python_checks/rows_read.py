"""Counts the rows of every delivered file once more and compares with load_audit.

    python -m python_checks.rows_read --extracts DIR --database DB

Exit code 1 when a file was counted otherwise, is missing on either side, or when read = loaded + rejected + superseded
does not hold. `rows_read` of a sum of its own parts would prove nothing: this scans CSV character by character where
quotes stand and shares no parser with the loader. A file of any size takes the memory of its longest line.
"""

from __future__ import annotations

import argparse
import glob
import gzip
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb

from python_checks.recompute import files
from python_checks.recompute.contract import TABLES
from python_checks.recompute.files import ENDINGS, ExtractError
from python_checks.recompute.olist import FILES as OLIST

BOM = "ï»¿"  # the byte order mark of UTF-8, each byte a character


def count_rows(path: Path) -> int:
    """Records below the header of one file; of a file refused as a whole, its filled lines below the first."""
    if path.suffix == ".parquet":
        # no column is looked at: of those that nobody reads, any type may be there, or two of a name
        # fetched whole: an unfinished result would keep this connection, the process's own, from everyone else
        [(rows,)] = duckdb.execute("select num_rows from parquet_file_metadata(?)", [glob.escape(str(path))]).fetchall()
        return rows
    records = count_records(path)
    return count_lines(path) if records is None else records


def count_lines(path: Path) -> int:
    """Filled physical lines below the first filled one."""
    with open_text(path) as lines:
        return max(sum(1 for line in lines if line.strip("\r\n\0")) - 1, 0)


def count_records(path: Path) -> int | None:
    """CSV records below the header, None when the file cannot be trusted: not text, mixed line ends, an open quote."""
    with open_text(path) as lines:
        first = next(records(lines), None)
        if first is None or not first.is_whole or "\0" in first.line or not is_utf8(first.line):
            return None
        count, ends = 0, {first.end}
        for record in records(lines, first.fields):
            if not record.is_trusted:
                return None
            ends.add(record.end)
            count += not record.is_blank
    return None if len(ends - {""}) > 1 else count


class Record:
    """A record as far as it was read: its first line, its fields so far, how it ends, and what is wrong with it."""

    def __init__(self, line: str, columns: int | None) -> None:
        self.line, self.columns = line, columns
        self.fields, self.end = 1, ""
        self.lines = 0
        self.is_blank = not line.strip("\r\n")
        self.is_whole = True  # no quote stands where none may
        self.is_trusted = True  # where it ends is certain
        self.in_quotes = False
        self.holds_records = False  # a line within a field looks like a record of its own

    def read(self, line: str) -> None:
        """Goes on with a line. When `in_quotes` is set afterwards, the record goes on in the next one."""
        self.lines += 1
        self.end = line[len(line.rstrip("\r\n")) :]
        if '"' not in line:
            if self.in_quotes:
                self.holds_records |= line.count(",") + 1 == self.columns
            else:
                self.fields += line.count(",")
            return
        is_inner, place, last = self.in_quotes, 0, len(line) - len(self.end)
        while True:
            if self.in_quotes:
                place = line.find('"', place) + 1
                if not place:
                    self.holds_records |= is_inner and line.count(",") + 1 == self.columns
                    return
                if line[place : place + 1] == '"':
                    place += 1
                    continue
                self.in_quotes = is_inner = False
                if place < last and line[place] != ",":
                    self.is_whole, self.is_trusted = False, self.lines == 1
                    return
            elif line[place : place + 1] == '"':
                self.in_quotes = True
                place += 1
                continue
            else:
                place = line.find(",", place)
            if place < 0 or place >= last:
                return
            self.fields += 1
            place += 1


def records(lines: Iterator[str], columns: int | None = None) -> Iterator[Record]:
    """The records of a file, blank lines among them unless `columns` is unset."""
    record = None
    for line in lines:
        record = record or Record(line, columns)
        record.read(line)
        if record.in_quotes:
            continue
        if record.holds_records and record.fields != columns:
            record.is_trusted = False
        if columns is not None or not record.is_blank:
            yield record
        record = None
    if record is not None:
        record.is_trusted = record.is_whole = False
        yield record


def is_utf8(text: str) -> bool:
    try:
        text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return False
    return True


def open_text(path: Path) -> io.TextIOWrapper:
    """The file with one character per byte and its line ends as they are, after the byte order mark."""
    raw = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 (closed with the wrapper)
    text = io.TextIOWrapper(raw, encoding="latin-1", newline="")
    if text.read(len(BOM)) != BOM:
        text.seek(0)
    return text


def delivered_files(folder: Path, tables: set[str]) -> dict[str, Path]:
    """The files of these tables by their name below the folder. Raises ExtractError for a dt that is no day."""
    return {file.name: file.path for table in sorted(tables) for file in files.delivered_files(folder, table)}


def differences(folder: Path, database: Path, progress=lambda message: None) -> list[str]:
    """What load_audit says otherwise than the files, as messages; an empty list when all is well."""
    with duckdb.connect(str(database), read_only=True) as connection:
        audit = connection.execute(
            "select table_name, file_name, rows_read, rows_loaded, rows_rejected, rows_superseded from marts.load_audit"
        ).fetchall()
        kept = dict(connection.execute("select file_name, count(*) from marts.rejected_rows group by all").fetchall())
    messages = []
    for _, name, read, loaded, rejected, superseded in audit:
        if read != loaded + rejected + superseded:
            messages.append(f"{name}: {read} rows read, but {loaded} + {rejected} + {superseded} accounted for")
        if kept.get(name, 0) != rejected:
            messages.append(f"{name}: {rejected} rows rejected, but {kept.get(name, 0)} kept in rejected_rows")
    reads = {name: read for _, name, read, *_ in audit if name.endswith(ENDINGS)}
    found = delivered_files(folder, tables_of(reads))
    messages += [f"{name}: in load_audit, but not delivered" for name in sorted(reads.keys() - found.keys())]
    messages += [f"{name}: delivered, but not in load_audit" for name in sorted(found.keys() - reads.keys())]
    for name in sorted(found.keys() & reads.keys()):
        progress(f"counting {name}")
        rows = count_rows(found[name])
        if rows != reads[name]:
            messages.append(f"{name}: {rows} rows delivered, {reads[name]} read")
    return messages


def tables_of(names: dict[str, int]) -> set[str]:
    """The tables that these files belong to and those delivered beside them, so that one left out is noticed."""
    stems = {name.split("/")[0].split(".")[0] for name in names}
    return stems.union(*(known for known in (set(TABLES), set(OLIST.values())) if stems & known))


def main() -> int:
    parser = argparse.ArgumentParser(description="Count delivered rows once more and compare with load_audit.")
    parser.add_argument("--extracts", type=Path, required=True, help="folder of the delivered files")
    parser.add_argument("--database", type=Path, required=True, help="built or published DuckDB file")
    arguments = parser.parse_args()
    try:
        messages = differences(
            arguments.extracts, arguments.database, lambda message: print(message, file=sys.stderr))
    except (ExtractError, OSError, EOFError, duckdb.Error) as error:
        messages = [str(error)]
    print("\n".join(messages) if messages else "Every delivered row is accounted for.")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
