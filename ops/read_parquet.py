"""What a delivered Parquet file holds, by its physical and logical types: what DuckDB and Spark go by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# Names that the reader in SQL gives to columns of its own.
TAKEN = {"path", "_path", "filename", "file_row_number", "_row"}
LAST_MILLISECOND = 2**63 // 1000 - 1
Lose = Callable[[int, str, str], None]  # row, reason, text of a row that cannot be read


class ParquetFile:
    """One delivered file and how its known columns are to be read.

    kinds    known column -> text, whole, float, decimal(p,s), boolean, date, time (without zone), instant (with one),
             uuid, or other (a list, say): nothing that a value of the contract can be made of
    as_text  the known columns that SQL cannot take as they are
    is_safe  whether SQL can read the known columns from the file where it lies, whatever else is in it
    Raises OSError or pa.ArrowException when it is no such file.
    """

    def __init__(self, path: Path, known: list[str]):
        self.path = path
        with pq.ParquetFile(path) as file:
            self.schema = file.schema_arrow
            leaves = {file.schema.column(place).path: file.schema.column(place) for place in range(len(file.schema))}
            self.rows = file.metadata.num_rows
            unbounded = _unbounded_times(file, set(known))
        self.names = self.schema.names
        found = {name: _kind(leaves.get(name)) for name in known if name in self.names}
        found |= dict.fromkeys(unbounded & found.keys())
        texts = [name for name, kind in found.items() if kind == "text"]
        self.as_text = [name for name, kind in found.items() if kind in (None, "other")]
        self.as_text += texts if self._is_broken(texts) else []
        self.kinds = {name: kind or "text" for name, kind in found.items()}
        plain = [name.lower() for name in self.names]
        strangers = {name.lower() for name in self.names if name not in known}
        self.is_safe = not (
            self.as_text
            or len(set(plain)) < len(plain)
            or strangers & ({name.lower() for name in known} | TAKEN)
        )

    def _is_broken(self, texts: list[str]) -> bool:
        """Whether what is declared as text is not all UTF-8: engines stop at that."""
        with pq.ParquetFile(self.path, read_dictionary=texts, pre_buffer=False) as file:
            try:
                for batch in file.iter_batches(2**14, columns=texts) if texts else ():
                    batch.validate(full=True)
            except pa.ArrowInvalid:
                return True
        return False

    def landed_schema(self) -> pa.Schema:
        fields = [
            pa.field(name, pa.string()) if name in self.as_text else self.schema.field(name).remove_metadata()
            for name in self.kinds
        ]
        return pa.schema([*fields, ("_row", pa.int64())])

    def batches(self, lose: Lose) -> Iterator[pa.RecordBatch]:
        """The known columns and `_row`, the place of each row from 1. Bytes that are not UTF-8 lose their row."""
        schema, before = self.landed_schema(), 0
        with pq.ParquetFile(self.path, pre_buffer=False) as file:
            for batch in file.iter_batches(2**14, columns=list(self.kinds)):
                numbers = pa.arange(before + 1, before + batch.num_rows + 1)
                before += batch.num_rows
                delivered = [
                    _raw(batch.column(name)) if name in self.as_text else batch.column(name) for name in self.kinds
                ]
                columns, bad = [], set()
                for name, column in zip(self.kinds, delivered, strict=True):
                    text, undecodable = _text(column) if name in self.as_text else (column, [])
                    columns.append(text)
                    bad.update(undecodable)
                landed = pa.record_batch([*columns, numbers], schema=schema)
                for place in sorted(bad):
                    values = (column[place].as_py() for column in delivered)
                    lose(numbers[place].as_py(), "not UTF-8", ",".join(map(_shown, values)))
                yield landed.filter(pa.array([place not in bad for place in range(len(numbers))])) if bad else landed


def _kind(leaf: pq.ColumnSchema | None) -> str | None:
    """The kind of a column, None when it has to become text first."""
    if leaf is None or leaf.max_repetition_level > 0:
        return "other"
    logical = json.loads(leaf.logical_type.to_json())
    match logical["Type"], leaf.physical_type:
        case ("String" | "Enum" | "Null"), _:
            return "text"
        case "UUID", _:
            return "uuid"
        case "Date", _:
            return "date"
        case "Timestamp", _:
            # Older writers say no more than "timestamp"; engines take that as one without a zone.
            return "instant" if logical["isAdjustedToUTC"] and not logical["is_from_converted_type"] else "time"
        case "Decimal", _ if leaf.precision <= 38:
            return f"decimal({leaf.precision},{leaf.scale})"
        case ("Float16", _) | ("None", "FLOAT" | "DOUBLE"):
            return "float"
        case ("Int", _) | ("None", "INT32" | "INT64"):
            return "whole"
        case "None", "BOOLEAN":
            return "boolean"
        case "None", "INT96":
            return "time"
        case ("Interval", _):
            return "other"
    return None


def _unbounded_times(file: pq.ParquetFile, names: set[str]) -> set[str]:
    """The columns whose milliseconds may not fit microseconds, in which engines hold times; DuckDB stops at them."""
    leaves = {place: file.schema.column(place) for place in range(len(file.schema))}
    places = [
        place for place, leaf in leaves.items()
        if leaf.path in names and '"milliseconds"' in leaf.logical_type.to_json()
    ]
    found = set()
    for group in range(file.num_row_groups):
        for place in places:
            facts = file.metadata.row_group(group).column(place)
            bounds = facts.statistics
            is_bounded = bounds is not None and (
                bounds.null_count == facts.num_values if not bounds.has_min_max
                else max(abs(bounds.min_raw), abs(bounds.max_raw)) < LAST_MILLISECOND
            )
            if not is_bounded:
                found.add(leaves[place].path)
    return found


def _raw(column: pa.Array) -> pa.Array:
    """A column without what Arrow puts around its values; text as bytes, for it may be none."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp(column.type.unit))  # text of an instant is in UTC
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.large_binary())
    return column


def _text(column: pa.Array) -> tuple[pa.Array, list[int]]:
    """A raw column as text, and the places of the values that are no UTF-8 (null here)."""
    try:
        return column.cast(pa.string()), []
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        texts, bad = [], []
        for place, value in enumerate(column.to_pylist()):
            try:
                texts.append(value.decode() if isinstance(value, bytes) else None if value is None else str(value))
            except UnicodeDecodeError:
                texts.append(None)
                bad.append(place)
        return pa.array(texts, pa.string()), bad


def _shown(value: object) -> str:
    return "" if value is None else value.decode(errors="replace") if isinstance(value, bytes) else str(value)
