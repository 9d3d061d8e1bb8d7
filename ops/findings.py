"""What a build file tells: what became of the delivered rows, why some were rejected, which KPIs have no value and why.

Reads marts.load_audit, marts.rejected_rows and the tables behind them; personal values are masked in there already.
Nothing here changes the build.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ops.project import sql_name, sql_text

REASONS_KEPT = 20
REASONS_SHOWN = 3
VALUE_SHOWN = 60
# See FileCount.extract.
EXTRACT = "case when contains(file_name, '.') then table_name else file_name end"
# An order line whose order has not come yet waits for it; nothing is wrong with the line itself.
WAITING = "(table_name = 'order_lines' and column_name = 'order_id' and reason like 'not in stg_orders%')"


@dataclass(frozen=True)
class FileCount:
    """What became of the rows of one delivered file, or of a connector's model that fills a table of the contract."""

    table: str
    file: str
    read: int
    loaded: int
    rejected: int
    superseded: int

    @property
    def extract(self) -> str:
        """What its rows are told under: the table, or the connector's model."""
        return self.table if "." in self.file else self.file


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
        example = "first" if self.value is None else f"such as {shown(self.value)}"
        return f"{self.rows:,} x {what}, {example} in {self.file}, row {self.row}"


@dataclass(frozen=True)
class RepeatedKey:
    """A file that holds a key more than once: only the last row of each counts. `rows` are those that do not."""

    table: str
    file: str
    rows: int
    example: dict[str, str]

    def __str__(self) -> str:
        example = ", ".join(f"{column} {shown(value)}" for column, value in self.example.items())
        what = "rows that count nowhere because their key comes again further down in the file"
        return f"{self.file}: {what}: {self.rows:,}, such as {example}"


@dataclass(frozen=True)
class Table:
    """A table of the input contract: whether a build needs it, the types of its key's columns, the model of its rows.

    Of a large table that model holds only the rows at fault and those of repeated keys; the others stay in their files.
    """

    name: str
    required: bool = False
    key: dict[str, str] = field(default_factory=dict)
    base: str = ""
    is_large: bool = False


def contract(manifest: Mapping[str, Any], connector: str) -> dict[str, Table]:
    """The tables of the input contract by the extract that fills them, in the order of the contract's file.

    Those of a connector's files come first, under their own names; the contract's follow as the connector's models.
    """
    tables: dict[str, dict[str, Table]] = {}
    for node in manifest["sources"].values():
        source, name, meta = node["source_name"], node["name"], _meta(node)
        if meta.get("landing"):
            continue
        tables.setdefault(source, {})[name] = Table(
            name,
            required=bool(meta.get("required")),
            key={name: column["data_type"] for name, column in node["columns"].items() if _meta(column).get("key")},
            base=f"base_{name}" if source == "extracts" else f"base_{source}__{name}",
            is_large=bool(meta.get("large")) and connector == "native",
        )
    own = tables.get("extracts", {})
    if connector == "native":
        return own
    return tables.get(connector, {}) | {f"stg_{connector}__{name}": table for name, table in own.items()}


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
    """Why rows were rejected, by extract, most frequent first, at most REASONS_KEPT of an extract."""
    rows = connection.execute(
        # What follows `: ` in a reason is the value at fault (`not in stg_orders: o17`).
        f"""
        with faults as (
            select *, {EXTRACT} as extract, split_part(reason, ': ', 1) as kind from marts.rejected_rows
        ),
        counted as (
            select
                extract, column_name, kind, count(*) as rows,
                min((file_name, row_number)) as first
            from faults group by extract, column_name, kind
            qualify row_number() over (partition by extract order by rows desc, column_name, kind) <= ?
        )
        select counted.extract, counted.column_name, counted.kind, rows, first[1], first[2], any_value(row_content)
        from counted
        left join faults as example
            on example.extract = counted.extract and example.file_name = first[1] and example.row_number = first[2]
        group by all
        order by counted.extract, rows desc, counted.column_name, counted.kind
        """,
        [REASONS_KEPT],
    ).fetchall()
    reasons: dict[str, list[Reason]] = {}
    for extract, column, kind, count, file, row, content in rows:
        reasons.setdefault(extract, []).append(Reason(column, kind, count, file, row, value_of(content, column)))
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
    names = _in_order(files, tables)
    width = max((len(name) for name in names), default=0) + 2
    yield f"{'extract':{width}}{'files':>7}{'read':>14}{'loaded':>14}{'rejected':>12}{'superseded':>12}"
    for name in names:
        own = [file for file in files if file.extract == name]
        read, loaded, rejected, superseded = (
            sum(getattr(file, count) for file in own) for count in ("read", "loaded", "rejected", "superseded")
        )
        yield f"{name:{width}}{len(own):>7,}{read:>14,}{loaded:>14,}{rejected:>12,}{superseded:>12,}"
        yield from reason_lines(reasons.get(name, []))


def _in_order(files: list[FileCount], tables: Mapping[str, Table]) -> list[str]:
    """The extracts of some files, in the order of the contract."""
    here = {file.extract for file in files}
    return [*(name for name in tables if name in here), *sorted(here - tables.keys())]


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
    for name in _in_order(files, tables):
        own = [file for file in files if file.extract == name]
        read, rejected = sum(file.read for file in own), sum(file.rejected for file in own)
        table = tables.get(name, Table(name))
        why = list(reason_lines(reasons.get(name, [])))
        if table.required and not any(file.loaded for file in own):
            rows = f"all its rows were rejected ({rejected:,}):" if rejected else f"there is no row in {own[0].file}"
            paragraphs.append("\n".join([f"Nothing is left of the required table {name}: {rows}", *why]))
        elif rejected > accepted * read:
            at_fault = rejected - _excused(connection, landing, name, table)
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


def _excused(connection: duckdb.DuckDBPyConnection, landing: Path, extract: str, table: Table) -> int:
    """Rejected rows of an extract that wait for their order, or whose key was loaded from another file."""
    (waiting,) = connection.execute(
        f"select count(*) from marts.rejected_rows where {EXTRACT} = ? and {WAITING}", [extract]
    ).fetchone()
    if not table.key or not _is_there(connection, table.base):
        return waiting
    same_key = " and ".join(
        f"good.{name} = try_cast(json_extract_string(lost.content, {sql_text(f'$.{name}')}) as {kind})"
        for name, kind in ((sql_name(column), kind) for column, kind in table.key.items())
    )
    (elsewhere,) = connection.execute(
        f"""
        with lost as (
            select file_name, row_number, row_content as content from marts.rejected_rows
            where {EXTRACT} = ? and not coalesce({WAITING}, false) and json_valid(row_content)
        ),
        files as (
            select file_id, file_name from read_parquet(?)
        ),
        good as ({_good_rows(connection, landing, table)})
        select count(distinct (lost.file_name, lost.row_number))
        from good
        left join files on good._file = files.file_id
        inner join lost on {same_key} and coalesce(files.file_name, good._file) <> lost.file_name
        """,
        [extract, str(landing / "_files.parquet")],
    ).fetchone()
    return waiting + elsewhere


def _good_rows(connection: duckdb.DuckDBPyConnection, landing: Path, table: Table) -> str:
    """SQL of the rows of a table that are not at fault: the columns of its key, and _file."""
    key = ", ".join(sql_name(column) for column in table.key)
    base = f"staging.{sql_name(table.base)}"
    sql = f"select {key}, _file from {base} where _fault is null"
    linked = []
    if table.is_large:
        linked = connection.execute(
            "select path from read_parquet(?) where table_name = ? and refused is null and row_source = 'ordinal'",
            [str(landing / "_files.parquet"), table.name],
        ).fetchall()
    if linked:
        paths = ", ".join(sql_text(path) for (path,) in linked)
        typed = ", ".join(
            f"try_cast(cast(row.{sql_name(column)} as varchar) as {kind}) as {sql_name(column)}"
            for column, kind in table.key.items()
        )
        sql += f"""
            union all
            select {typed}, files.file_id
            from read_parquet([{paths}], union_by_name = true, filename = '_path', hive_partitioning = false) as row
            inner join read_parquet({sql_text(str(landing / "_files.parquet"))}) as files on row._path = files.path
            where (files.file_id, row.file_row_number + 1) not in (select (_file, _row) from {base})"""
    return sql


def repeated_keys(
    connection: duckdb.DuckDBPyConnection, landing: Path, tables: Mapping[str, Table], files: list[FileCount]
) -> list[RepeatedKey]:
    """The files in which a key stands more than once, with how many of their rows count nowhere because of it."""
    found = []
    for name in dict.fromkeys(file.extract for file in files if file.superseded):
        table = tables.get(name, Table(name))
        if not table.key or not _is_there(connection, table.base):
            continue
        key = ", ".join(sql_name(column) for column in table.key)
        texts = ", ".join(f"cast({sql_name(column)} as varchar)" for column in table.key)
        rows = connection.execute(
            f"""
            with superseded as (
                select distinct {key} from staging.{sql_name(table.base)} where _fault is null and not _is_latest
            ),
            good as ({_good_rows(connection, landing, table)}),
            repeated as (
                select _file, [{texts}] as key, count(*) - 1 as again
                from good semi join superseded using ({key})
                group by _file, {key} having count(*) > 1
            )
            select coalesce(file_name, _file) as name, cast(sum(again) as bigint), min(key)
            from repeated left join read_parquet(?) as files on repeated._file = files.file_id
            group by name order by name
            """,
            [str(landing / "_files.parquet")],
        ).fetchall()
        found += [RepeatedKey(name, file, again, dict(zip(table.key, key, strict=True))) for file, again, key in rows]
    return found


def _is_there(connection: duckdb.DuckDBPyConnection, base: str) -> bool:
    query = "select 1 from information_schema.tables where table_schema = 'staging' and table_name = ?"
    return connection.execute(query, [base]).fetchone() is not None


@dataclass(frozen=True)
class WithoutValue:
    """A KPI that has no value in any period, and the needs of it that are absent (none: nothing to count or divide)."""

    kpi_id: str
    lacks: list[str]


def kpis_without_value(connection: duckdb.DuckDBPyConnection) -> list[WithoutValue]:
    """The KPIs without a value anywhere, in order of name."""
    absent = connection.execute("select need from intermediate.int_inputs where not is_present").fetchall()
    without = connection.execute("select kpi_id, needs from marts.dim_kpi where not has_data order by kpi_id")
    return [
        WithoutValue(kpi_id, [need for need in (needs or "").split() if (need,) in absent])
        for kpi_id, needs in without.fetchall()
    ]


def lines_without_value(without: list[WithoutValue], loaded: set[str]) -> Iterator[str]:
    """The same, one line for each set of absent needs, the largest first; a table without loaded rows is only named."""
    by_lack: dict[tuple[str, ...], list[str]] = {}
    for kpi in without:
        lacks = sorted({_in_words(need, loaded) for need in kpi.lacks})
        by_lack.setdefault(tuple(lacks), []).append(kpi.kpi_id)
    for lacks, names in sorted(by_lack.items(), key=lambda item: (-len(item[1]), item[0])):
        why = f"without {', '.join(lacks)}" if lacks else "what they need is there, but nothing to count or to divide"
        yield f"{why}: {', '.join(names)}"


def _in_words(need: str, loaded: set[str]) -> str:
    """A need with its alternatives (`a|b`), each by its table's name alone where no row of the table was loaded."""
    choices = ((re.split("[.:=]", choice)[0], choice) for choice in need.split("|"))
    return " or ".join(dict.fromkeys(choice if table in loaded else table for table, choice in choices))


@dataclass(frozen=True)
class FeedPart:
    """A feed (a table by one of its days) that begins after the first day of the span, or ended before the last.

    `only_said`: no KPI loses its value for it (seller fees).
    """

    feed: str
    covers_from: date
    covers_to: date
    begins_late: bool
    ended: bool
    only_said: bool

    def __str__(self) -> str:
        begins = f"begins on {self.covers_from}" if self.begins_late else ""
        ended = f"ended on {self.covers_to}" if self.ended else ""
        beyond = "nothing counts beyond" if self.only_said else "periods beyond have no value"
        return f"{self.feed} {' and '.join(filter(None, (begins, ended)))}: {beyond}"


def feeds_in_part(connection: duckdb.DuckDBPyConnection) -> list[FeedPart]:
    """The feeds that begin after the first day of the span, or ended before the last."""
    rows = connection.execute(
        """
        select feed, covers_from, covers_to, covers_from > span_start, is_ended, table_name = 'seller_fees'
        from intermediate.int_feeds cross join intermediate.int_span
        where is_present and (is_ended or (covers_from > span_start and table_name <> 'seller_fees'))
        order by feed
        """
    ).fetchall()
    return [FeedPart(*row) for row in rows]


def as_facts(items: list[Any]) -> list[dict[str, Any]]:
    """Findings as last_build.json holds them."""
    return [asdict(item) for item in items]
