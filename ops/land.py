"""Lands the delivered files for dbt to build from, as Parquet:  python -m ops.land [--full]

    <table>/<file_id>.parquet   a CSV file as text, with `_row`, the line on which each row begins; or a link to a
                                delivered Parquet file (written anew only where SQL could not read it safely)
    _files.parquet              what became of every delivered file
    _unreadable.parquet         the rows that could not be read

A file is read once, and again only when its size or time changed; one that was withdrawn is forgotten. Every file is
written aside and renamed, the list of files last: a run that is killed leaves what was there, and the next one goes on.
The landing holds personal values as delivered: it is private to its owner and is never published.

Environment: EXTRACTS_DIR, LANDING_DIR (default build/landing), CONNECTOR; REPORTING_CURRENCY, to tell which rates lack.
Exit code 1: the extracts cannot be loaded; 3: asked for wrongly.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from ops.delivered import Delivered, actual_form, deliveries
from ops.project import ROOT, ProjectError
from ops.read_csv import DAMAGED, CsvFile, NotPlain, Refused
from ops.read_parquet import ParquetFile

STAGING = ROOT / "models" / "staging"
FILES = pa.schema([
    ("file_id", pa.string()), ("table_name", pa.string()), ("file_name", pa.string()), ("dt", pa.string()),
    ("place", pa.string()), ("too_late", pa.timestamp("us")), ("path", pa.string()), ("format", pa.string()),
    ("kinds", pa.string()), ("row_source", pa.string()), ("unknown_columns", pa.string()), ("refused", pa.string()),
    ("rows_read", pa.int64()), ("bytes", pa.int64()), ("modified_at", pa.timestamp("us")),
    ("landed_at", pa.timestamp("us")),
])
UNREADABLE = pa.schema([
    ("file_id", pa.string()), ("row_number", pa.int64()), ("reason", pa.string()), ("content", pa.string()),
])
# Spark leaves out files whose names begin with an underscore: it reads these through links without one.
LISTS = ("_files.parquet", "_unreadable.parquet", "_source.json")
GROUP_ROWS, GROUP_BYTES = 122_880, 2**25  # of a Parquet row group: what is held in memory
SPEAK_EVERY, SAVE_EVERY = 5, 30  # seconds
NAMED = 20  # names in one message


class LandingError(ProjectError):
    """The extracts cannot be loaded. The message lists every problem; `overview` tells what is there by table."""

    def __init__(self, problems: list[str], overview: str = "", warnings: list[str] | None = None):
        super().__init__("The extracts cannot be loaded:\n  " + "\n  ".join(problems))
        self.overview, self.warnings = overview, warnings or []


@dataclass(frozen=True)
class Table:
    """A table of the contract. Its files are called `stem`; of each column: whether it must be delivered."""

    name: str
    stem: str
    required: bool
    has_pii: bool
    columns: dict[str, bool]


@dataclass
class Landed:
    """What is in the landing: rows of _files.parquet, and what this run read, kept (a count) and forgot (names)."""

    files: list[dict]
    warnings: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    kept: int = 0
    forgotten: list[str] = field(default_factory=list)
    overview: str = ""


def _connectors() -> dict[str, Path]:
    return {
        "native": STAGING / "sources.yml",
        **{path.parent.name: path for path in sorted(STAGING.glob("*/sources.yml"))},
    }


def contract(connector: str) -> dict[str, Table]:
    """The tables of a connector's source by name. Raises ProjectError when there is no such connector."""
    paths = _connectors()
    if connector not in paths:
        raise ProjectError(f"The connector {connector!r} is unknown; there are {', '.join(paths)}.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    sources = yaml.load(paths[connector].read_text(encoding="utf-8"), loader)["sources"]
    [source] = [source for source in sources if source["name"] == ("extracts" if connector == "native" else connector)]
    tables = {}
    for table in source["tables"]:
        meta = _meta(table)
        if meta.get("landing") or table["name"] in ("files", "unreadable"):
            continue
        rules = {column["name"]: _meta(column) for column in table["columns"]}
        tables[table["name"]] = Table(
            table["name"],
            meta.get("file", table["name"]),
            bool(meta.get("required")),
            any(rule.get("pii") for rule in rules.values()),
            {name: any(map(rule.get, ("key", "required", "must_be_delivered"))) for name, rule in rules.items()},
        )
    return tables


def _meta(node: dict) -> dict:
    return (node.get("config") or {}).get("meta") or {}


def land(
    extracts: Path, landing: Path, connector: str = "native", full: bool = False, say: Callable[[str], None] = print
) -> Landed:
    """Brings the landing up to date. `full` reads every file anew. Raises LandingError with every problem of the
    extracts before anything is written, ProjectError when asked for wrongly."""
    tables = contract(connector)
    extracts, landing = extracts.absolute(), landing.absolute()
    if not extracts.is_dir():
        raise ProjectError(f"EXTRACTS_DIR: {extracts} is not a folder.")
    real, source = landing.resolve(), extracts.resolve()
    if real.is_relative_to(source) or source.is_relative_to(real):
        raise ProjectError(f"LANDING_DIR: {landing} and EXTRACTS_DIR: {extracts} lie in one another.")
    try:
        with _locked(landing, say):
            return _Landing(extracts, landing, connector, tables, full, say).run()
    except OSError as error:
        raise ProjectError(f"LANDING_DIR: {error.filename or landing}: {_words(error)}.") from error


@contextmanager
def _locked(landing: Path, say: Callable[[str], None]) -> Iterator[None]:
    """One landing at a time in one folder, which must be a landing already, or empty."""
    landing.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(entry.name[0] != "." for entry in landing.iterdir()) and not (landing / "_source.json").is_file():
        raise ProjectError(f"LANDING_DIR: {landing} holds other things than landed files.")
    landing.chmod(0o700)
    with (landing / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another run that lands files in {landing}.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class _Landing:
    """One run."""

    def __init__(self, extracts: Path, landing: Path, connector: str, tables: dict[str, Table], full: bool, say):
        self.extracts, self.landing, self.tables, self.say = extracts, landing, tables, say
        self.source = {
            "extracts": str(extracts.resolve()),
            "connector": connector,
            "contract": {table.name: table.columns for table in tables.values()},
        }
        self.manifest = landing / "_files.parquet"
        self.source_before, self.before = self._read_before()
        # What need not be read again if it is still delivered: files of tables with the same columns.
        self.old = {} if full else {
            file_id: row for file_id, row in self.before.items()
            if self.source_before["contract"].get(row["table_name"]) == self.source["contract"].get(row["table_name"])
            and (row["path"] is None or self._is_landed(row))
        }
        self.lost: list[Path] = []  # files with the rows that this run could not read
        self.landed: set[str] = set()  # ids that this run read
        self.spoken = time.monotonic()

    def _read_before(self) -> tuple[dict, dict[str, dict]]:
        """What the landing was made from, and the files landed from the same source by id."""
        try:
            source = json.loads((self.landing / "_source.json").read_text(encoding="utf-8"))
            table = pq.read_table(self.manifest)
        except FileNotFoundError:
            return {}, {}
        except (OSError, ValueError, pa.ArrowException):
            return {"unknown": True}, {}
        is_same = all(source.get(key) == self.source[key] for key in ("extracts", "connector"))
        return source, {row["file_id"]: row for row in table.to_pylist()} if is_same and table.schema == FILES else {}

    def _is_landed(self, row: dict) -> bool:
        path = self.landing / row["table_name"] / f"{row['file_id']}.parquet"
        return row["path"] == str(path) and path.exists()

    def run(self) -> Landed:
        delivered, problems, unread = deliveries(self.extracts, {t.stem: t.name for t in self.tables.values()})
        opened, present, empty, faults = {}, [], [], []
        for number, file in enumerate(delivered, 1):
            self._progress(f"looked at {number:,} of {len(delivered):,} files")
            if file.id not in self.old:
                try:
                    opened[file.id] = contents = self._open(file)
                    if contents.names == []:
                        empty.append(file)
                        continue
                    faults += [(file.table, words, file.name) for words in self._header_faults(file, contents)]
                except (OSError, *DAMAGED, pa.ArrowException) as error:
                    problems.append(f"{file.path}: {_words(error)}")
            present.append(file)
        problems += [f"{files}: {words}" for _, words, files, _ in _together(faults)]
        problems += self._missing({file.table for file in delivered})
        filled, warnings = {file.table for file in present}, []
        for file in empty:
            is_problem = self.tables[file.table].required and file.table not in filled
            (problems if is_problem else warnings).append(f"{file.name}: empty file, not even a header")
        if problems:
            raise LandingError(problems, self._overview(present, {}), [*warnings, *self._warnings([], unread)])
        landed = self._bring(present, opened)
        landed.warnings = warnings + list(self._warnings(landed.files, unread))
        landed.overview = self._overview(present, {row["file_id"]: row for row in landed.files})
        return landed

    def _open(self, file: Delivered) -> CsvFile | ParquetFile:
        is_parquet = file.format == "parquet" and file.size > 0
        return ParquetFile(file.path, list(self.tables[file.table].columns)) if is_parquet else CsvFile(file.path)

    def _header_faults(self, file: Delivered, contents: CsvFile | ParquetFile) -> Iterator[str]:
        """What is wrong with the names of the columns of one file."""
        columns, names, separator = self.tables[file.table].columns, contents.names, None
        if isinstance(contents, CsvFile):
            if not file.name.endswith(form := actual_form(file.path)):
                yield f"its content is that of a {form} file: name it so"
                return
            if contents.refused:
                return
            separator = contents.other_separator(list(columns))
        if names is None and not separator:
            yield "the header line is not well-formed CSV"
            return
        names = names or []
        several = [name for name in names if names.count(name) > 1 and (file.format == "csv" or name in columns)]
        for name in dict.fromkeys(self._name(file.table, name) for name in several):
            yield f"the header has the column {_shown(name)} more than once"
        # A line without any known name may be data, which is not for everybody to see.
        may_be_data = self.tables[file.table].has_pii and not set(map(_plain, names)) & set(map(_plain, columns))
        for name in [name for name, must_be_delivered in columns.items() if must_be_delivered and name not in names]:
            if separator:
                yield (
                    f"the required column {name} is missing: the header is separated by {separator}; "
                    "commas are expected"
                )
                return
            found = f"{_count(len(names), 'other name')}, not shown (is the first line a header?)"
            if not may_be_data:
                found = _listed(_shown(self._name(file.table, other)) for other in _nearest(name, names)) or "nothing"
            yield f"the required column {name} is missing; found instead: {found}"

    def _name(self, table: str, name: str) -> str:
        """A name of a column as it may be told: where a line end is lost, a personal value stands in the header."""
        may_be_value = "@" in name or sum(map(str.isdigit, name)) > 4
        return "(what may be a value)" if self.tables[table].has_pii and may_be_value else name

    def _missing(self, there: set[str]) -> Iterator[str]:
        """The required tables without any file."""
        missing = [table for table in self.tables.values() if table.required and table.name not in there]
        here = [path.name for path in self.extracts.iterdir() if path.name[0] not in "._"] if missing else []
        names = sorted({name.split(".")[0] for name in here})
        for connector in _connectors().keys() - {self.source["connector"]} if missing else ():
            if {table.stem for table in contract(connector).values() if table.required} <= set(names):
                yield f"{self.extracts} holds the files of another connector: set CONNECTOR={connector}"
                return
        for table in missing:
            found = _listed(map(_shown, _nearest(table.stem, names))) or "nothing"
            yield (
                f"the required table {table.name} is missing: no {table.stem}.csv, .csv.gz, .parquet or folder "
                f"{table.stem} of such files in {self.extracts}; found instead: {found}"
            )

    def _bring(self, present: list[Delivered], opened: dict) -> Landed:
        """Writes what is new, forgets what is gone."""
        ids = {file.id for file in present}
        new = [file for file in present if file.id not in self.old]
        rows = [self.old[file.id] for file in present if file.id in self.old]
        forgotten = sorted(row["file_name"] for file_id, row in self.before.items() if file_id not in ids)
        self._remember_source()
        saved = time.monotonic()
        try:
            for number, file in enumerate(new, 1):
                rows.append(self._land(file, opened.pop(file.id)))
                self._progress(f"landed {number:,} of {len(new):,} files")
                if time.monotonic() > saved + SAVE_EVERY:
                    self._save(rows)
                    saved = time.monotonic()
        finally:
            rows.sort(key=lambda row: (row["table_name"], row["place"]))
            if new or forgotten or not self.manifest.is_file():
                self._save(rows)
        self._clean(rows)
        return Landed(rows, read=[file.name for file in new], kept=len(rows) - len(new), forgotten=forgotten)

    def _remember_source(self) -> None:
        if self.source_before != self.source:
            if self.source_before:
                # First of all: what can no longer be relied on must not be taken for landed by a later run.
                self._write_files(list(self.old.values()))
            text = json.dumps(self.source)
            _replace(self.landing / "_source.json", lambda half: half.write_text(text, encoding="utf-8"))
        for table in self.tables.values():
            path = self.landing / table.name / "_none.parquet"
            schema = pa.schema([*((name, pa.string()) for name in table.columns), ("_row", pa.int64())])
            if self.source_before != self.source or not path.is_file():
                path.parent.mkdir(exist_ok=True)
                _replace(path, lambda half, schema=schema: pq.write_table(schema.empty_table(), half))
        for name in LISTS:
            if not (link := self.landing / name[1:]).is_symlink():
                link.symlink_to(name)

    def _land(self, file: Delivered, contents: CsvFile | ParquetFile) -> dict:
        """Lands one file; returns its row of _files.parquet."""
        try:
            row = self._read(file, contents)
            if Delivered.of(file.path, file.name, file.table) != file:
                raise LandingError([f"{file.name}: changed while it was read; try again when its delivery is complete"])
        except (OSError, *DAMAGED, pa.ArrowException) as error:
            raise LandingError([f"{file.path}: {_words(error)}"]) from error
        self.landed.add(file.id)
        return row

    def _read(self, file: Delivered, contents: CsvFile | ParquetFile) -> dict:
        table = self.tables[file.table]
        target = self.landing / table.name / f"{file.id}.parquet"
        lost = _Lost(self.landing / f".lost-{file.id}.parquet", file.id)
        refused = None
        if isinstance(contents, ParquetFile):
            kinds, rows = contents.kinds, contents.rows
            if contents.is_safe:
                _replace(target, lambda half: half.symlink_to(file.path.resolve()))
            else:
                _replace(target, lambda half: self._write(half, contents.landed_schema(), contents.batches(lost)))
            row_source = "ordinal" if contents.is_safe else "_row"
        else:
            row_source, wanted = "_row", [name for name in table.columns if name in (contents.names or [])]
            kinds, refused = dict.fromkeys(wanted, "text"), contents.refused
            try:
                if refused:
                    raise Refused(refused)
                schema = pa.schema([*((name, pa.string()) for name in wanted), ("_row", pa.int64())])
                try:
                    if not contents.is_plain():
                        raise NotPlain
                    _replace(target, lambda half: self._write(half, schema, contents.plain_batches(wanted)))
                except NotPlain:
                    _replace(target, lambda half: self._write(half, schema, contents.batches(wanted, lost)))
                rows = contents.loaded + lost.rows
            except Refused as reason:
                refused, kinds = str(reason), {}
                lost.forget()
                contents.lose_all(refused, lost)
                rows = lost.rows
        lost.close()
        if lost.rows:
            self.lost.append(lost.path)
        strangers = [] if refused else [name for name in contents.names if name not in table.columns]
        unknown = [self._name(table.name, name) for name in strangers]
        return {
            "file_id": file.id,
            "table_name": table.name,
            "file_name": file.name,
            "dt": file.dt,
            "place": f"{file.dt or ''}/{file.name}",
            "too_late": file.too_late,
            "path": None if refused else str(target),
            "format": file.format,
            "kinds": json.dumps(kinds),
            "row_source": row_source,
            "unknown_columns": ", ".join(unknown) if unknown else None,
            "refused": refused,
            "rows_read": rows,
            "bytes": file.size,
            "modified_at": datetime.fromtimestamp(
                min(file.mtime_ns // 10**9, 253_402_300_799), UTC
            ).replace(tzinfo=None),
            "landed_at": datetime.now(UTC).replace(tzinfo=None),
        }

    def _write(self, target: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        """Writes batches in row groups that bound the memory."""
        rows, held = 0, []
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for batch in batches:
                held.append(batch)
                rows += batch.num_rows
                if sum(b.num_rows for b in held) >= GROUP_ROWS or sum(b.nbytes for b in held) >= GROUP_BYTES:
                    writer.write_table(pa.Table.from_batches(held, schema))
                    held = []
                    self._progress(f"{_count(rows, 'row')} of {target.parent.name}")
            if held:
                writer.write_table(pa.Table.from_batches(held, schema))

    def _save(self, rows: list[dict]) -> None:
        """Rows that cannot be read first, then the list of files that tells of them."""
        ids = {row["file_id"] for row in rows}
        self._write_unreadable((ids | self.before.keys()) - self.landed)
        self._write_files(rows)
        if self.before.keys() - ids:
            self._write_unreadable(ids - self.landed)

    def _write_files(self, rows: list[dict]) -> None:
        _replace(self.manifest, lambda half: pq.write_table(pa.Table.from_pylist(rows, FILES), half))

    def _write_unreadable(self, kept: set[str]) -> None:
        path = self.landing / "_unreadable.parquet"

        def write(half: Path) -> None:
            with pq.ParquetWriter(half, UNREADABLE, compression="zstd") as writer:
                for source in ([path] if path.is_file() else []) + self.lost:
                    with pq.ParquetFile(source) as old:
                        for group in range(old.num_row_groups):
                            table = old.read_row_group(group)
                            if source is path:
                                table = table.filter(pc.is_in(table["file_id"], pa.array(sorted(kept), pa.string())))
                            if table.num_rows:
                                writer.write_table(table)

        _replace(path, write)

    def _clean(self, rows: list[dict]) -> None:
        """Removes what earlier runs wrote and nothing refers to."""
        wanted = {row["path"] for row in rows} | {str(self.landing / name / "_none.parquet") for name in self.tables}
        for folder in [entry for entry in self.landing.iterdir() if entry.is_dir() and not entry.is_symlink()]:
            for path in folder.iterdir():
                if path.name.endswith(".parquet") and str(path) not in wanted:
                    path.unlink()
            with suppress(OSError):
                folder.rmdir()
        for path in self.landing.glob(".*.parquet"):
            path.unlink()

    def _warnings(self, rows: list[dict], unread: list[str]) -> Iterator[str]:
        def told(what: str) -> Iterator[tuple[str, str, str, bool]]:
            return _together((row["table_name"], row[what], row["file_name"]) for row in rows if row[what] is not None)

        for _, reason, files, several in told("refused"):
            yield f"{files} {'are' if several else 'is'} refused, all rows are rejected: {reason}"
        for table, names, files, several in told("unknown_columns"):
            has = "have" if several else "has"
            shown = _listed(map(_shown, names.split(", ")))
            yield f"{files} {has} columns that are not in the contract, ignored: {shown}"
            for name in names.split(", "):
                for meant in [known for known in self.tables[table].columns if _plain(known) == _plain(name)]:
                    yield f"{files}: the column {_shown(name)} is ignored: did you mean {meant}?"
        if unread:
            yield f"Nobody reads, in {self.extracts}: {_listed(unread)}"

    def _overview(self, present: list[Delivered], rows: dict[str, dict]) -> str:
        """What is there, one line per table."""
        lines = []
        for table in self.tables.values():
            files = [file for file in present if file.table == table.name]
            words = [_count(len(files), "file"), _size(sum(file.size for file in files))]
            found = [rows[file.id] for file in files if file.id in rows]
            if rows:
                words.append(_count(sum(row["rows_read"] for row in found), "row"))
            if any(row["refused"] for row in found):
                words.append(f"{sum(bool(row['refused']) for row in found)} refused")
            nothing = "MISSING" if table.required else "not delivered"
            lines.append(f"{table.name:<28} {', '.join(words) if files else nothing}")
        return "\n".join(lines)

    def _progress(self, words: str) -> None:
        if time.monotonic() > self.spoken + SPEAK_EVERY:
            self.spoken = time.monotonic()
            self.say(f"Landing: {words}")


class _Lost:
    """Takes the rows of one file that cannot be read; a file of them is written when there are any."""

    def __init__(self, path: Path, file_id: str):
        self.path, self.file_id = path, file_id
        self.writer: pq.ParquetWriter | None = None
        self.forget()

    def forget(self) -> None:
        if self.writer:
            self.writer.close()
        self.writer, self.rows, self.held, self.characters = None, 0, [], 0

    def __call__(self, row: int, reason: str, content: str) -> None:
        self.rows += 1
        self.held.append((row, reason, content))
        self.characters += len(content)
        if len(self.held) == 10_000 or self.characters > GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        self.writer = self.writer or pq.ParquetWriter(self.path, UNREADABLE, compression="zstd")
        columns = zip(*((self.file_id, *row) for row in self.held), strict=True)
        self.writer.write_table(pa.table(dict(zip(UNREADABLE.names, columns, strict=True)), UNREADABLE))
        self.held, self.characters = [], 0

    def close(self) -> None:
        if self.held:
            self._flush()
        if self.writer:
            self.writer.close()


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file aside, then puts it in its place."""
    half = path.with_name(f".{path.name}")
    half.unlink(missing_ok=True)
    try:
        write(half)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _nearest(wanted: str, names: list[str]) -> list[str]:
    """Of the names found instead of one, those that share most with it, else all."""
    plain = _plain(wanted)
    return [name for name in names if _plain(name) and (_plain(name) in plain or plain in _plain(name))] or names


def _together(told: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str, str, bool]]:
    """Of (table, words, file): the same words of a table once, as (table, words, files, whether they are several)."""
    files: dict[tuple[str, str], list[str]] = {}
    for table, words, name in told:
        files.setdefault((table, words), []).append(name)
    for (table, words), names in files.items():
        more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
        yield table, words, names[0] + more, len(names) > 1


def _listed(names: Iterable[str]) -> str:
    first, more = (names := list(names))[:NAMED], len(names) - NAMED
    return ", ".join(first) + (f", and {more:,} more" if more > 0 else "")


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _shown(name: str) -> str:
    """A name in a message: on one line, not too long."""
    short = (name if len(name) <= 60 else name[:57] + "...").encode(errors="replace").decode()
    return short if short.isprintable() and short.strip() == short and short else repr(short)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.{0 if unit == 'bytes' else 1}f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _tell(overview: str, warnings: list[str]) -> None:
    print(overview)
    for warning in warnings:
        print(f"Warning: {warning}", flush=True)


def _foreseen(landed: Landed, landing: Path, reporting_currency: str) -> Iterator[str]:
    """What a build will say, as far as it is cheap to know: rows that could not be read, currencies without a rate."""
    names = {row["file_id"]: row["file_name"] for row in landed.files if row["refused"] is None}
    lost: dict[tuple[str, str], list[int]] = {}
    with pq.ParquetFile(landing / "_unreadable.parquet") as unreadable:
        for batch in unreadable.iter_batches(columns=["file_id", "reason", "row_number"]):
            for file_id, reason, number in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if file_id in names:
                    told = lost.setdefault((names[file_id], reason), [0, number])
                    told[0] += 1
    for (name, reason), (count, first) in lost.items():
        rows = f"{_count(count, 'row')} {'is' if count == 1 else 'are'} rejected in a build"
        yield f"{name}: {rows}: {reason}, first in row {first}"
    used, rated = set(), {"EUR"}
    for row in landed.files:
        if row["path"] is not None and "currency" in json.loads(row["kinds"]):
            found = rated if row["table_name"] == "exchange_rates" else used
            with pq.ParquetFile(row["path"]) as file:
                for batch in file.iter_batches(columns=["currency"]):
                    found |= {str(value) for value in pc.unique(batch.column(0)).to_pylist()}
    used = {currency for currency in used if re.fullmatch("[A-Z]{3}", currency)} - {reporting_currency}
    if missing := sorted((used | {reporting_currency}) - rated if used else ()):
        yield f"exchange_rates holds no rate of {', '.join(missing)}: an amount that needs one stops the build"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.land", description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="read every file anew")
    arguments = parser.parse_args()
    given = {name: value for name, value in os.environ.items() if value != ""}
    landing, connector = ROOT / given.get("LANDING_DIR", "build/landing"), given.get("CONNECTOR", "native")
    try:
        landed = land(ROOT / given.get("EXTRACTS_DIR", "extracts/sample"), landing, connector, arguments.full)
    except LandingError as error:
        _tell(error.overview, error.warnings)
        print(error, file=sys.stderr)
        return 1
    except ProjectError as error:
        print(error, file=sys.stderr)
        return 3
    foreseen = []
    if connector == "native":
        foreseen = list(_foreseen(landed, landing, given.get("REPORTING_CURRENCY", "EUR")))
    _tell(landed.overview, landed.warnings + foreseen)
    print(f"{_count(len(landed.read), 'file')} read, {landed.kept:,} kept, {len(landed.forgotten):,} forgotten.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
