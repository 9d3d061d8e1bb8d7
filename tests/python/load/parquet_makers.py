"""Parquet as other programs write it: the same rows in each maker's types, and values that only Parquet can hold."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

Columns = dict[str, pa.Array] | list[tuple[str, pa.Array]]


def parquet(columns: Columns, options: dict | None = None) -> bytes:
    """A Parquet file of these columns; a name may be there twice."""
    pairs = list(columns.items()) if isinstance(columns, dict) else columns
    table = pa.Table.from_arrays([array for _, array in pairs], [name for name, _ in pairs])
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **(options or {}))
    return buffer.getvalue()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


PARSE: dict[str, Callable[[str], object]] = {
    "string": str, "bigint": int, "money": Decimal, "number": Decimal, "boolean": lambda text: text == "true",
    "date": date.fromisoformat, "timestamp": _moment,
}
PLAIN = {
    "string": pa.string(), "bigint": pa.int64(), "money": pa.decimal128(18, 4), "number": pa.decimal128(28, 10),
    "boolean": pa.bool_(), "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"),
}


@dataclass(frozen=True)
class Maker:
    """`types` by form where they differ from PLAIN; `parse` likewise."""

    words: str
    types: dict[str, pa.DataType] = field(default_factory=dict)
    parse: dict[str, Callable[[str], object]] = field(default_factory=dict)
    options: dict = field(default_factory=dict)

    def arrays(self, types: dict[str, str], rows: list[dict]) -> dict[str, pa.Array]:
        return {
            name: pa.array(
                [None if row[name] is None else (self.parse.get(form) or PARSE[form])(row[name]) for row in rows],
                self.types.get(form, PLAIN[form]),
            )
            for name, form in types.items()
        }


def _naive(text: str) -> datetime:
    return _moment(text).replace(tzinfo=None)


FLOATS = {"bigint": pa.float64(), "money": pa.float64(), "number": pa.float64()}
AS_FLOAT = dict.fromkeys(FLOATS, float)
TEXT = dict.fromkeys(PLAIN, str)
MAKERS = {
    "arrow": Maker("Parquet of Arrow: decimals, dates, microseconds in UTC"),
    "pandas": Maker(
        "Parquet of pandas: nanoseconds without a zone, whole numbers as floats, dictionaries",
        {**FLOATS, "string": pa.dictionary(pa.int32(), pa.string()), "timestamp": pa.timestamp("ns")},
        {**AS_FLOAT, "timestamp": _naive},
    ),
    "pandas_utc": Maker(
        "Parquet of pandas: nanoseconds in a zone, dates as times, large texts",
        {"string": pa.large_string(), "timestamp": pa.timestamp("ns", "Europe/Paris"), "date": pa.timestamp("ns"),
         "bigint": pa.int32()},
        {"date": _moment},
    ),
    "spark": Maker(
        "Parquet of Spark: INT96 times, small decimals",
        {"timestamp": pa.timestamp("ns"), "bigint": pa.int32(), "money": pa.decimal128(9, 2)},
        {"timestamp": _naive}, {"use_deprecated_int96_timestamps": True, "flavor": "spark"},
    ),
    "polars": Maker(
        "Parquet of polars: views of texts, milliseconds, unsigned whole numbers",
        {"string": pa.string_view(), "timestamp": pa.timestamp("ms"), "bigint": pa.uint32(), "number": pa.float32()},
        {"timestamp": _naive, "number": float},
    ),
    "old": Maker(
        "Parquet of an old writer: format 1.0, no schema of Arrow",
        {"timestamp": pa.timestamp("ms", "UTC"), "bigint": pa.int16()}, {},
        {"version": "1.0", "store_schema": False, "compression": "none", "use_dictionary": False},
    ),
    "text": Maker("Parquet of nothing but text", dict.fromkeys(PLAIN, pa.string()), TEXT),
    "bytes": Maker(
        "Parquet of plain bytes", dict.fromkeys(PLAIN, pa.binary()), dict.fromkeys(PLAIN, str.encode),
        {"store_schema": False},
    ),
}


def _duckdb(expression: str) -> pa.Array:
    with duckdb.connect() as connection:
        return connection.sql(f"select {expression} as x").to_arrow_table()["x"].combine_chunks()


NOT_WHOLE, NOT_MONEY, NOT_TIME = "not a whole number", "not a number with at most 4 decimals", "not an ISO 8601 time"
NOT_DATE, NOT_BOOLEAN, NOT_NUMBER = "not a date (YYYY-MM-DD)", "not true or false", "not a number"
YEARS = "outside the years 1990 to 2100"
LIST, STRUCT = pa.array([[1, 2]]), pa.array([{"a": 1}])
# (form of the column, what is tried, the values, the reason; empty where they load)
ODD_VALUES: list[tuple[str, str, pa.Array, str]] = [
    ("bigint", "a list for a whole number, in Parquet", LIST, NOT_WHOLE),
    ("bigint", "a struct for a whole number, in Parquet", STRUCT, NOT_WHOLE),
    ("bigint", "1.5, infinity or 1e300 as a float for a whole number", pa.array([1.5, float("inf"), 1e300, -1e15]), NOT_WHOLE),
    ("bigint", "a half as a small float for a whole number", pa.array([1.5], pa.float32()), NOT_WHOLE),
    ("bigint", "a whole number of 16 digits and more", pa.array([10**15, 2**63 - 1, -(2**63)]), NOT_WHOLE),
    ("bigint", "the largest unsigned number", pa.array([2**64 - 1], pa.uint64()), NOT_WHOLE),
    ("bigint", "a decimal with a fraction for a whole number", pa.array([Decimal("1.5")]), NOT_WHOLE),
    ("bigint", "a decimal of 38 digits for a whole number", pa.array([Decimal("9" * 38)]), NOT_WHOLE),
    ("bigint", "a decimal of 76 digits for a whole number", pa.array([Decimal("9" * 70)], pa.decimal256(76, 0)), NOT_WHOLE),
    ("bigint", "a decimal without a fraction for a whole number", pa.array([Decimal("7.00")]), ""),
    ("bigint", "a small float without a fraction for a whole number", pa.array([7.0], pa.float16()), ""),
    ("bigint", "true for a whole number, in Parquet", pa.array([True]), NOT_WHOLE),
    ("bigint", "a time for a whole number", pa.array([datetime(2026, 1, 5)]), NOT_WHOLE),
    ("bigint", "a time of day or a span for a whole number", pa.array([time(10)]), NOT_WHOLE),
    ("bigint", "dictionary of whole numbers as text", pa.array(["7", "8"]).dictionary_encode(), ""),
    ("money", "a list for an amount", LIST, NOT_MONEY),
    ("money", "infinity, 1e300 or five decimals as a float for an amount", pa.array([float("-inf"), 1e300, 1.23456, 1e-7]), NOT_MONEY),
    ("money", "a decimal with five places for an amount", pa.array([Decimal("1.23456")]), NOT_MONEY),
    ("money", "a decimal with ten places, six of them zero", pa.array([Decimal("1.2300000000")]), ""),
    ("money", "a decimal too large for an amount", pa.array([Decimal("9" * 30)]), NOT_MONEY),
    ("money", "a decimal of 76 digits for an amount", pa.array([Decimal("9" * 60)], pa.decimal256(76, 4)), NOT_MONEY),
    ("money", "a whole number too large for an amount", pa.array([10**17]), NOT_MONEY),
    ("money", "a whole number for an amount", pa.array([5], pa.int8()), ""),
    ("money", "a float for an amount", pa.array([19.99, 0.1]), ""),
    ("money", "a struct for an amount", STRUCT, NOT_MONEY),
    ("money", "true for an amount", pa.array([True]), NOT_MONEY),
    ("number", "infinity as a float for a rate", pa.array([float("inf"), 1e300]), NOT_NUMBER),
    ("number", "a map for a rate", pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), NOT_NUMBER),
    ("number", "a decimal too large for a rate", pa.array([Decimal("9" * 38)]), NOT_NUMBER),
    ("boolean", "0 and 1 as numbers for true or false", pa.array([0, 1]), NOT_BOOLEAN),
    ("boolean", "0.0 and 1.0 as floats for true or false", pa.array([0.0, 1.0]), NOT_BOOLEAN),
    ("boolean", "True as text for true or false, in Parquet", pa.array(["True", "FALSE"]), NOT_BOOLEAN),
    ("boolean", "a list for true or false", LIST, NOT_BOOLEAN),
    ("boolean", "true as text, in Parquet", pa.array(["true", "false"]), ""),
    ("date", "a time that is not midnight for a date", pa.array([datetime(2026, 1, 5, 10)]), NOT_DATE),
    ("date", "midnight for a date", pa.array([datetime(2026, 1, 5, tzinfo=UTC)]), ""),
    ("date", "milliseconds for a date", pa.array([date(2026, 1, 5)], pa.date64()), ""),
    ("date", "days far off for a date", pa.array([date(1, 1, 1), date(9999, 12, 31)]), YEARS),
    ("date", "a number of days for a date", pa.array([20458]), NOT_DATE),
    ("date", "a float for a date", pa.array([46027.0]), NOT_DATE),
    ("date", "a struct for a date", STRUCT, NOT_DATE),
    ("timestamp", "seconds since 1970 as a number", pa.array([1767607200]), NOT_TIME),
    ("timestamp", "a float for a time", pa.array([46027.41]), NOT_TIME),
    ("timestamp", "true for a time", pa.array([True]), NOT_TIME),
    ("timestamp", "a list for a time", LIST, NOT_TIME),
    ("timestamp", "a time of day for a time", pa.array([time(10)]), NOT_TIME),
    ("timestamp", "nanoseconds of the years 1677 and 2262", pa.array([-(2**63) + 10**9, 2**63 - 10**9]).cast(pa.timestamp("ns")), YEARS),
    ("timestamp", "microseconds of the years 1 and 20000", pa.array([-62135596800_000000, 568971820800_000000]).cast(pa.timestamp("us", "UTC")), YEARS),
    ("timestamp", "microseconds beyond every calendar", pa.array([2**63 - 1, -(2**63) + 1]).cast(pa.timestamp("us")), YEARS),
    ("timestamp", "milliseconds beyond every calendar", pa.array([2**62]).cast(pa.timestamp("ms")), NOT_TIME),
    ("timestamp", "infinite times of DuckDB", _duckdb("timestamp 'infinity'"), YEARS),
    ("timestamp", "a date for a time", pa.array([date(2026, 1, 5)]), ""),
    ("timestamp", "seconds in a zone for a time", pa.array([datetime(2026, 1, 5, 10)], pa.timestamp("s", "Asia/Tokyo")), ""),
    ("timestamp", "a time later than the day after the delivery, in Parquet", pa.array([datetime(2026, 3, 3)], pa.timestamp("us")), "later than the day after its delivery"),
    ("string", "whole numbers for a text", pa.array([7]), ""),
    ("string", "floats for a text", pa.array([101.0, 1.5, float("nan"), 1e300]), ""),
    ("string", "true for a text", pa.array([True]), ""),
    ("string", "a time or a date for a text", pa.array([datetime(2026, 1, 5)]), ""),
    ("string", "a time of day for a text", pa.array([time(10)]), ""),
    ("string", "a span for a text: in Parquet, a whole number", pa.array([timedelta(1)]), ""),
    ("string", "a time or a date far off for a text", pa.array([2**62, -(2**62)]).cast(pa.timestamp("us")), ""),
    ("string", "a decimal for a text", pa.array([Decimal("1.50")]), ""),
    ("string", "a list for a text", LIST, "not a text"),
    ("string", "a UUID of DuckDB for a text", _duckdb("uuid '00000000-0000-0000-0000-000000000001'"), ""),
    ("string", "an enumeration of DuckDB for a text", _duckdb("'b'::enum('a', 'b')"), ""),
    ("string", "bytes that are not UTF-8 for a text", pa.array([b"\xff\xfe"]), "not UTF-8"),
    ("string", "bytes of a fixed length for a text", pa.array([b"ab"], pa.binary(2)), ""),
    ("string", "large bytes for a text", pa.array([b"ab"], pa.large_binary()), ""),
    ("bigint", "NaN beside numbers in a column of floats", pa.array([7.0, float("nan"), 8.0]), ""),
    ("string", "NaN beside numbers in a column of floats", pa.array([7.0, float("nan"), 8.0], pa.float32()), ""),
    *(
        (form, "NaN in a column of floats that may have gaps", pa.array([float("nan")] * 2, size),
         "missing" if form == "number" else "")  # the first rate of the contract is required
        for form in ("bigint", "money", "number", "timestamp", "string") for size in (pa.float64(), pa.float32())
    ),
    ("string", "no value at all: a column of nulls", pa.nulls(2), ""),
    ("bigint", "a column of nulls for a whole number", pa.nulls(2), ""),
    ("timestamp", "a column of nulls for a time", pa.nulls(2), ""),
    ("money", "a column of nulls for an amount", pa.nulls(2), ""),
]
# (what is tried, name of the column, two values)
ODD_COLUMNS: list[tuple[str, str, pa.Array]] = [
    ("a list", "tags", pa.array([[1], None])),
    ("a struct", "address", pa.array([{"city": "x"}, None])),
    ("a map", "attributes", pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64()))),
    ("a list of structs of lists", "deep", pa.array([[{"a": [1]}], None])),
    ("bytes that are no text", "blob", pa.array([b"\xff\x00", None])),
    ("a time of day", "at", pa.array([time(1), None])),
    ("a span", "took", pa.array([timedelta(1), None])),
    ("a decimal of 76 digits", "wide", pa.array([Decimal(1), None], pa.decimal256(76, 2))),
    ("half floats", "half", pa.array([1.0, None], pa.float16())),
    ("nulls", "nothing", pa.nulls(2)),
    ("no name", "", pa.array(["x", "y"])),
    ("quotes in the name", 'a"b\'c', pa.array(["x", "y"])),
    ("a name of the reader", "filename", pa.array(["x", "y"])),
    ("a name of the reader", "file_row_number", pa.array([9, 9])),
    ("a name of the reader", "_path", pa.array(["x", "y"])),
    ("a name of the reader", "_row", pa.array([9, 9])),
    ("a name of the loader", "_fault", pa.array(["x", "y"])),
    ("a name of the loader", "_file", pa.array(["x", "y"])),
    ("SQL for a name", "x); drop table y; --", pa.array(["x", "y"])),
    ("a template for a name", "{{ 1 / 0 }}", pa.array(["x", "y"])),
    ("a name with dots", "a.b.c", pa.array(["x", "y"])),
    ("a name of other scripts", "büro 北京", pa.array(["x", "y"])),
    ("a name as long as a page", "x" * 3000, pa.array(["x", "y"])),
    ("the name dt", "dt", pa.array(["2026-01-01", "y"])),
]


def duckdb_file(select: str) -> bytes:
    """A Parquet file that DuckDB writes."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "x.parquet"
        connection.execute(f"copy ({select}) to '{path}' (format parquet)")
        return path.read_bytes()
