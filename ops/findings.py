"""What a build file tells about the delivered rows: counts, reasons with examples, too many rejected, keys repeated.

Reads marts.load_audit, marts.rejected_rows and the staging tables behind them; personal values are masked in there
already. Nothing here changes the build.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

REASONS_KEPT = 20
REASONS_SHOWN = 3
FILES_SHOWN = 5
VALUE_SHOWN = 60
# An order line whose order has not come yet waits for it; nothing is wrong with the line itself.
WAITING = "(table_name = 'order_lines' and column_name = 'order_id' and reason like 'not in stg_orders%')"


@dataclass(frozen=True)
class FileCount:
    """What became of the rows of one delivered file."""

    table: str
    file: str
    read: int
    loaded: int
    rejected: int
    superseded: int


@dataclass(frozen=True)
class Reason:
    """Why rows of a table were rejected, with the first of them. `value` is masked when personal, null when unknown."""

    column: str | None
    reason: str
    rows: int
    file: str
    row: int
    value: str | None

    def __str__(self) -> str:
        what = f"{self.column}: {self.reason}" if self.column else self.reason
        value = "" if self.value is None else f" {shown(self.value)}"
        return f"{self.rows:,} x {what}, such as{value} in {self.file}, row {self.row}"


@dataclass(frozen=True)
class RepeatedKey:
    """A file that holds a key more than once: only the last row of each counts. `rows` are those that do not."""

    table: str
    file: str
    rows: int
    example: dict[str, str]

    def __str__(self) -> str:
        example = ", ".join(f"{column} {shown(value)}" for column, value in self.example.items())
        rows = f"{self.rows:,} rows have a key that comes again further down in the same file"
        return f"{self.file}: {rows} and count nowhere, such as {example}"


@dataclass(frozen=True)
class Table:
    """A table of the input contract: whether a build needs it, and the types of its key's columns."""

    name: str
    required: bool
    key: dict[str, str]


def contract(manifest: Mapping[str, Any], connector: str) -> dict[str, Table]:
    """The tables that the connector's source describes, in the order of its file."""
    source = "extracts" if connector == "native" else connector
    tables = {}
    for node in manifest["sources"].values():
        if node["source_name"] == source and not _meta(node).get("landing"):
            key = {name: column["data_type"] for name, column in node["columns"].items() if _meta(column).get("key")}
            tables[node["name"]] = Table(node["name"], bool(_meta(node).get("required")), key)
    return tables


def _meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return node.get("config", {}).get("meta") or {}


def read_files(connection: duckdb.DuckDBPyConnection) -> list[FileCount]:
    """The files in force, in order of table and name."""
    rows = connection.execute(
        "select table_name, file_name, rows_read, rows_loaded, rows_rejected, rows_superseded"
        " from marts.load_audit order by table_name, file_name"
    ).fetchall()
    return [FileCount(*row) for row in rows]


def read_reasons(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Reason]]:
    """Why rows were rejected, by table, most frequent first, at most REASONS_KEPT of a table."""
    rows = connection.execute(
        # What follows `: ` in a reason is the value at fault (`not in stg_orders: o17`).
        """
        with faults as (
            select *, split_part(reason, ': ', 1) as kind from marts.rejected_rows
        ),
        counted as (
            select
                table_name, column_name, kind, count(*) as rows,
                min((file_name, row_number)) as first
            from faults group by table_name, column_name, kind
            qualify row_number() over (partition by table_name order by rows desc, column_name, kind) <= ?
        )
        select counted.table_name, counted.column_name, kind, rows, first[1], first[2], any_value(row_content)
        from counted
        left join marts.rejected_rows as example
            on example.table_name = counted.table_name and example.file_name = first[1]
            and example.row_number = first[2]
        group by all
        order by counted.table_name, rows desc, counted.column_name, kind
        """,
        [REASONS_KEPT],
    ).fetchall()
    reasons: dict[str, list[Reason]] = {}
    for table, column, kind, count, file, row, content in rows:
        reasons.setdefault(table, []).append(Reason(column, kind, count, file, row, value_of(content, column)))
    return reasons


def value_of(content: str | None, column: str | None) -> str | None:
    """The delivered value of a column in a rejected row's content; the text of a row that could not be split."""
    try:
        row = json.loads(content or "")
    except ValueError:
        return None if column else content or None
    if not isinstance(row, dict):
        return None if column else content
    value = row.get(column)
    return value if value is None or isinstance(value, str) else json.dumps(value)


def shown(value: str) -> str:
    """A delivered value for the console: short, on one line, nothing a terminal would obey."""
    short = value if len(value) <= VALUE_SHOWN else value[: VALUE_SHOWN - 1] + "…"
    return f"'{''.join(letter if letter.isprintable() else '?' for letter in short)}'"


def table_of_rows(
    files: list[FileCount], reasons: Mapping[str, list[Reason]], tables: Mapping[str, Table]
) -> Iterator[str]:
    """The lines that tell, extract by extract, what became of its rows."""
    names = [name for name in tables if any(file.table == name for file in files)]
    names += sorted({file.table for file in files} - set(names))
    width = max((len(name) for name in names), default=0) + 2
    yield f"{'extract':{width}}{'files':>7}{'read':>14}{'loaded':>14}{'rejected':>12}{'superseded':>12}"
    for name in names:
        own = [file for file in files if file.table == name]
        read, loaded, rejected, superseded = (
            sum(getattr(file, count) for file in own) for count in ("read", "loaded", "rejected", "superseded")
        )
        yield f"{name:{width}}{len(own):>7,}{read:>14,}{loaded:>14,}{rejected:>12,}{superseded:>12,}"
        yield from reason_lines(reasons.get(name, []))


def reason_lines(reasons: list[Reason]) -> Iterator[str]:
    """The most frequent reasons of a table, and how many others there are."""
    for reason in reasons[:REASONS_SHOWN]:
        yield f"    {reason}"
    if others := len(reasons[REASONS_SHOWN:]):
        yield f"    and for {others} other reasons: marts.rejected_rows of the build file"


def too_many_rejected(
    connection: duckdb.DuckDBPyConnection,
    landing: Path,
    tables: Mapping[str, Table],
    files: list[FileCount],
    reasons: Mapping[str, list[Reason]],
    accepted: float,
) -> str | None:
    """The message that stops a build because of rejected rows, None where there is no reason to stop.

    It stops when no row of a required table is left, whatever share is accepted; and when more than the accepted share
    of a table's rows was rejected. Lines that wait for their order and rows whose key another file brought are not
    counted.
    """
    paragraphs, worst = [], 0.0
    for name in dict.fromkeys(file.table for file in files):
        own = [file for file in files if file.table == name]
        read, rejected = sum(file.read for file in own), sum(file.rejected for file in own)
        table = tables.get(name, Table(name, False, {}))
        why = list(reason_lines(reasons.get(name, [])))
        if table.required and not any(file.loaded for file in own):
            rows = f"all {rejected:,} of its rows were rejected:" if rejected else f"no row in {own[0].file}"
            paragraphs.append("\n".join([f"Nothing is left of the required table {name}: {rows}", *why]))
        elif rejected > accepted * read:
            at_fault = rejected - _excused(connection, landing, table)
            if at_fault > accepted * read:
                worst = max(worst, at_fault / read)
                head = f"{at_fault:,} of {read:,} rows of {name} ({at_fault / read:.1%}) were rejected"
                paragraphs.append("\n".join([f"{head}, more than {accepted:.1%}:", *why]))
    if worst:
        enough = math.ceil(worst * 100) / 100
        paragraphs.append(
            "Put the extracts right, or accept knowingly that these rows count nowhere:"
            f" make build MAX_REJECTED_SHARE={enough:g}"
        )
    return "\n".join(paragraphs) or None


def _excused(connection: duckdb.DuckDBPyConnection, landing: Path, table: Table) -> int:
    """Rejected rows of a table that wait for their order, or whose key was loaded from another file."""
    (waiting,) = connection.execute(
        f"select count(*) from marts.rejected_rows where table_name = ? and {WAITING}", [table.name]
    ).fetchone()
    base = _base(connection, table)
    if not base:
        return waiting
    same_key = " and ".join(
        f"good.{_name(column)} = try_cast(json_extract_string(lost.content, {_text(f'$.{_name(column)}')}) as {kind})"
        for column, kind in table.key.items()
    )
    (elsewhere,) = connection.execute(
        f"""
        with lost as (
            select file_name, row_number, row_content as content from marts.rejected_rows
            where table_name = ? and not coalesce({WAITING}, false) and json_valid(row_content)
        ),
        files as (
            select file_id, file_name from read_parquet(?)
        )
        select count(distinct (lost.file_name, lost.row_number))
        from {base} as good
        inner join files on good._file = files.file_id
        inner join lost on {same_key} and files.file_name <> lost.file_name
        where good._fault is null
        """,
        [table.name, str(landing / "_files.parquet")],
    ).fetchone()
    return waiting + elsewhere


def repeated_keys(
    connection: duckdb.DuckDBPyConnection, landing: Path, tables: Mapping[str, Table], files: list[FileCount]
) -> list[RepeatedKey]:
    """The files in which a key stands more than once, with how many of their rows count nowhere because of it."""
    found = []
    for name in dict.fromkeys(file.table for file in files if file.superseded):
        table = tables.get(name, Table(name, False, {}))
        base = _base(connection, table)
        if not base:
            continue
        key = ", ".join(_name(column) for column in table.key)
        texts = ", ".join(f"cast({_name(column)} as varchar)" for column in table.key)
        rows = connection.execute(
            f"""
            with superseded as (
                select distinct {key} from {base} where _fault is null and not _is_latest
            ),
            repeated as (
                select _file, [{texts}] as key, count(*) - 1 as again
                from {base} semi join superseded using ({key})
                where _fault is null
                group by _file, {key} having count(*) > 1
            )
            select file_name, cast(sum(again) as bigint), min(key)
            from repeated inner join read_parquet(?) as files on repeated._file = files.file_id
            group by file_name order by file_name
            """,
            [str(landing / "_files.parquet")],
        ).fetchall()
        found += [RepeatedKey(name, file, again, dict(zip(table.key, key, strict=True))) for file, again, key in rows]
    return found


def _base(connection: duckdb.DuckDBPyConnection, table: Table) -> str | None:
    """The relation that holds every judged row of a table, None where there is none with a key."""
    known = connection.execute(
        "select 1 from information_schema.tables where table_schema = 'staging' and table_name = ?",
        [f"base_{table.name}"],
    ).fetchone()
    return f"staging.{_name(f'base_{table.name}')}" if known and table.key else None


def as_facts(items: list[Any]) -> list[dict[str, Any]]:
    """Findings as last_build.json holds them."""
    return [asdict(item) for item in items]


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
