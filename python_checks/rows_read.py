"""Counts the rows of every delivered file once more, with Python's csv module, and compares with load_audit.

    python -m python_checks.rows_read --extracts DIR --database DB

Exit code 1 when a file was counted otherwise, is missing on either side, or when read = loaded + rejected + superseded
does not hold. `rows_read` of a sum of its own parts would prove nothing; this reader shares no code with the loader.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl

ENDINGS = (".csv", ".csv.gz", ".parquet")
csv.field_size_limit(sys.maxsize)


def count_rows(path: Path) -> int:
    """Records below the header of one file; of a file refused as a whole, its filled lines below the first."""
    if path.suffix == ".parquet":
        return pl.scan_parquet(path).select(pl.len()).collect().item()
    records = count_records(path)
    return count_lines(path) if records is None else records


def count_lines(path: Path) -> int:
    """Filled physical lines below the first one."""
    with open_text(path) as lines:
        return max(sum(1 for line in lines if line.strip("\r\n\0")) - 1, 0)


def count_records(path: Path) -> int | None:
    """CSV records below the header, None when the file cannot be trusted: not text, mixed line ends, an open quote."""
    with open_text(path) as lines:
        feed = Feed(lines)
        reader = csv.reader(feed, strict=True)
        ends, count, columns = set(), 0, None
        while True:
            feed.lines.clear()
            try:
                fields = next(reader)
            except StopIteration:
                break
            except csv.Error:
                fields = None
            if fields is None and (len(feed.lines) > 1 or feed.ended):
                return None
            ends.add(end_of(feed.lines[-1]))
            if fields == []:
                continue
            if columns is None:
                header = "".join(feed.lines)
                if fields is None or "\0" in header or not is_utf8(header):
                    return None
                columns = len(fields)
                continue
            if fields is not None and len(fields) != columns and swallows_records(feed.lines, columns):
                return None
            count += 1
        # Lone carriage returns beside pairs cannot be told apart by the loader, not even inside quotes.
        return None if len(ends - {""}) > 1 or {"\r", "\r\n"} <= feed.ends else count


class Feed:
    """Hands lines to a csv reader and remembers those of the record at hand, and every kind of line end."""

    def __init__(self, lines: Iterator[str]):
        self.source, self.lines, self.ends, self.ended = lines, [], set(), False

    def __iter__(self) -> Feed:
        return self

    def __next__(self) -> str:
        line = next(self.source, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.lines.append(line)
        self.ends.add(end_of(line))
        return line


def end_of(line: str) -> str:
    """The line end; empty for a last line without one."""
    return line[len(line.rstrip("\r\n")) :]


def swallows_records(lines: list[str], columns: int) -> bool:
    return any(line.count(",") + 1 == columns for line in lines[1:-1])


def is_utf8(text: str) -> bool:
    try:
        text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return False
    return True


def open_text(path: Path) -> io.TextIOWrapper:
    """The file with one character per byte and its line ends as they are."""
    raw = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 (closed with the wrapper)
    return io.TextIOWrapper(raw, encoding="latin-1", newline="")


def delivered_files(folder: Path, tables: set[str]) -> dict[str, Path]:
    """The files of these tables by their name below the folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        table = name.split("/")[0] if "/" in name else name.split(".")[0]
        if table in tables and name.endswith(ENDINGS) and path.name[0] not in "._" and path.is_file():
            found[name] = path
    return found


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
    files = delivered_files(folder, {table for table, name, *_ in audit if name in reads} | contract_tables(reads))
    messages += [f"{name}: in load_audit, but not delivered" for name in reads.keys() - files.keys()]
    messages += [f"{name}: delivered, but not in load_audit" for name in files.keys() - reads.keys()]
    for name in sorted(files.keys() & reads.keys()):
        progress(f"counting {name}")
        rows = count_rows(files[name])
        if rows != reads[name]:
            messages.append(f"{name}: {rows} rows delivered, {reads[name]} read")
    return messages


def contract_tables(reads: dict[str, int]) -> set[str]:
    """Every table of the contract when the native files were loaded, so that a table left out is noticed."""
    native = any(name.split("/")[0].split(".")[0] == "orders" for name in reads)
    models = Path(__file__).parent.parent / "models/staging/native"
    return {path.stem.removeprefix("stg_") for path in models.glob("stg_*.sql")} if native else set()


def main() -> int:
    parser = argparse.ArgumentParser(description="Count delivered rows once more and compare with load_audit.")
    parser.add_argument("--extracts", type=Path, required=True, help="folder of the delivered files")
    parser.add_argument("--database", type=Path, required=True, help="built or published DuckDB file")
    arguments = parser.parse_args()
    messages = differences(arguments.extracts, arguments.database, lambda message: print(message, file=sys.stderr))
    print("\n".join(messages) if messages else "Every delivered row is accounted for.")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
