"""Broken extracts, made from the contract (models/staging/sources.yml), each with what has to become of it.

    python -m tests.python.load.corpus           writes docs/bad-input.md, the table of what is tried
    python -m tests.python.load.corpus --check   only tells whether it is up to date (exit code 1 where it is not)

Two kinds of cases. `files()`: files that land beside a good marketplace; rows load or are rejected with a reason.
`folders()`: folders that are refused as a whole, or that land with a warning. A table or column that is new in the
contract is broken too, without a word here. What is expected is written from the contract's rules, not from the code.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import yaml

from ops.project import ROOT
from tests.python.load.parquet_makers import MAKERS, ODD_COLUMNS, ODD_VALUES, parquet

PAGE = ROOT / "docs" / "bad-input.md"
DELIVERED = datetime(2026, 3, 1, 12, tzinfo=UTC)  # modification time of every file
LAST_MOMENT, TOO_LATE = "2026-03-02T23:59:59.999999Z", "2026-03-03T00:00:00Z"
# Values by which a leak of a personal column would show.
SECRET = "secret-ann@example.org"
DISPLACED = "secret-bob@example.org"  # in the column beside the personal one
# Rows of the good marketplace that others refer to.
REFERENCES = {"customer_id": "c1", "seller_id": "s1", "product_id": "p1", "order_id": "o1", "order_line_id": "l1"}

# What the contract's types take no value from, and the words of it.
MONEY = "not a number with at most 4 decimals"
FORMS = {
    "bigint": (
        "not a whole number",
        [
            "1.5", "1.0", "1e3", "0x10", "1,000", "1 000", "+1", " 1", "1 ", "one", "½", "١", "NaN", "--1", "1_000",
            "#N/A", "9" * 16, "=1+1", "1;2", "\u20091", "null", "-",
        ],
    ),
    "boolean": ("not true or false", ["yes", "no", "1", "0", "TRUE", "True", "t", "false ", "wahr", "on", "null"]),
    "date": (
        "not a date (YYYY-MM-DD)",
        [
            "2026/01/05", "05.01.2026", "01/05/2026", "2026-1-5", "20260105", "2026-02-30", "2026-13-01",
            "2026-01-00", "20226-01-01", "2026-01-05T10:00:00Z", "2026-01-05 00:00:00", "46027", "today", "infinity",
            "-2026-01-05", "٢٠٢٦-٠١-٠٥", "2026-01-05 (BC)", "0000-00-00", " 2026-01-05", "epoch",
        ],
    ),
    "timestamp": (
        "not an ISO 8601 time",
        [
            "2026/01/05 10:00:00", "05.01.2026 10:00", "01/05/2026 10:00 AM", "2026-1-5 9:00", "2026-02-30T10:00:00Z",
            "2026-01-05T24:00:00Z", "2026-01-05T25:00:00Z", "2026-01-05T10:60:00Z", "2026-01-05T23:59:60Z",
            "2026-01-05T10:00:00 CET", "2026-01-05T10:00:00 Europe/Paris", "2026-01-05T10:00:00+25:00",
            "20226-01-05T10:00:00Z", "20260105T100000Z", "2026-W01-1", "1767607200", "1767607200000", "2026-01-05T",
            "T10:00:00Z", "2026-01-05T10", "2026-01-05T10:00:00.1234567890Z", "yesterday", "now", "infinity",
            "2026-01-05T10:00:00z", "0000-00-00 00:00:00", "2026-01-05T10:00:00ZZ", "46027.41",
            " 2026-01-05T10:00:00Z",
        ],
    ),
    "money": (
        MONEY,
        [
            "1,50", "1.50.00", "١", "1.23456", "1e3", "nan", "inf", "-Infinity", "€5", "5 EUR", "1 000.00", "1.",
            ".5", "+5", "0x1F", "(5.00)", "5-", "free", "9" * 15, "1'000.00", "=SUM(A1)", "−5", " 5", "5%", "null",
        ],
    ),
    "number": (
        "not a number",
        ["0,5", "1e-1", "١", "nan", "inf", "50%", "1/2", "half", "+1", ".5", "1.", "9" * 30, " 1", "null"],
    ),
}
YEARS = ("outside the years 1990 to 2100", ["1989-12-31", "2101-01-01", "0001-01-01", "1677-09-21", "9999-12-31"])
CURRENCIES = ("not an ISO 4217 code", ["eur", "EURO", "€", "E1R", " EUR", "EU", "ÉUR", "978"])
# Texts that load as they are, whatever they look like.
TEXTS = {
    "a formula of a spreadsheet": [
        '=HYPERLINK("http://example.org";"x")', "=1+1", "+cmd|' /C calc'!A0", "@SUM(1)", "-2+3",
    ],
    "SQL": [
        "'; drop table orders; --", "x' or '1'='1", '"); delete from base_orders; --', "/* */ union select 1", "$$",
        "\\'",
    ],
    "a template": ["{{ 1 / 0 }}", "{% do x() %}", "${HOME}", "%(name)s", "{0}", "#{x}", "%s%n"],
    "markup": ["<script>alert(1)</script>", "&amp;", "</td>", "[x](javascript:y)"],
    "a path": ["../../../../etc/passwd", "/dev/zero", "file:///", "~", "C:\\temp\\new"],
    "other scripts and signs": [
        "naïve café", "北京市", "שלום", "🛒👩‍👩‍👧", "e\u0301", "\u202etxt.exe", "\ufeffx", "a\u200bb", "\u2028",
        "\u0085", "\ufffd",
    ],
    "control characters": ["a\tb", "bell\x07", "\x1b[31mred", "\x7f", "a\x0bb\x0cc", "\x1c\x1d\x1e"],
    "words that stand for nothing elsewhere": [
        "null", "NULL", "None", "NaN", "N/A", "#N/A", "\\N", "nil", "-", "undefined",
    ],
    "spaces": [" ", "  x  ", "\u00a0"],
    "quotes, commas and line ends": ['"', '""', "a,b", "'", "a\nb", "a\r\nb", "\n", "`", ";", "|"],
    "a number that is a text": ["007", "1E+15", "1.0", "0x10", "+49 30", "1e400"],
    "a long text": ["x" * 200_000],
}


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    rules: dict

    @property
    def is_needed(self) -> bool:
        return bool(self.rules.get("key") or self.rules.get("required"))

    @property
    def must_be_delivered(self) -> bool:
        return self.is_needed or bool(self.rules.get("must_be_delivered"))

    @property
    def form(self) -> str:
        """Its type as far as written forms go."""
        if self.type.startswith("decimal"):
            return "money" if int(self.type.rstrip(")").split(",")[1]) <= 4 else "number"
        return self.type

    @property
    def is_free(self) -> bool:
        """A text that may be anything and be looked at."""
        return self.type == "string" and not any(self.rules.get(rule) for rule in ("values", "form", "pii"))


@dataclass(frozen=True)
class Table:
    name: str
    required: bool
    columns: tuple[Column, ...]

    @property
    def header(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def keys(self) -> list[str]:
        return [column.name for column in self.columns if column.rules.get("key")]

    @property
    def counted(self) -> Column:
        """The column that tells the rows of the corpus apart: a text of the key, else its date."""
        keys = [column for column in self.columns if column.rules.get("key")]
        return next((column for column in keys if column.is_free), keys[0])

    @property
    def text(self) -> Column:
        """A column of free text, best one that refers to nothing."""
        free = [column for column in self.columns if column.is_free and column.name not in REFERENCES]
        return next((column for column in free if not column.rules.get("key")), self.counted)

    def row(self, number: int, tag: str = "", /, **fields: str | None) -> dict[str, str | None]:
        """A good row with a value in every column, but for what is given."""
        row = {column.name: self._value(column, number, tag) for column in self.columns}
        return row | fields

    def _value(self, column: Column, number: int, tag: str) -> str:
        if column.name == self.counted.name:
            return f"{tag}{number}" if column.is_free else (date(1995, 1, 1) + timedelta(days=number)).isoformat()
        if column.rules.get("values"):
            return column.rules["values"][0]
        if column.rules.get("form") == "currency":
            return "EUR"
        if column.rules.get("pii"):
            return SECRET
        if column.type == "string":
            return REFERENCES.get(column.name, f"a {column.name}")
        return {"boolean": "true", "date": "2026-01-05", "timestamp": "2026-01-05T10:00:00Z"}.get(column.type, "1")


def read_contract(path: Path = ROOT / "models/staging/sources.yml") -> dict[str, Table]:
    """The tables of the contract by name, but for targets: whether a row of them is good hangs on its KPI and on other
    rows (test_targets.py)."""
    tables = {}
    [source] = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["sources"]
    for table in source["tables"]:
        meta = table["config"].get("meta", {})
        if not meta.get("landing") and table["name"] != "kpi_targets":
            tables[table["name"]] = Table(
                table["name"],
                bool(meta.get("required")),
                tuple(
                    Column(column["name"], column["data_type"], column.get("config", {}).get("meta", {}))
                    for column in table["columns"]
                ),
            )
    return tables


@dataclass
class Case:
    """A file beside a good marketplace. `rejected`: (row number, column, reason); `texts`: column -> values that
    have to stand in stg_<table>; `alike`: number of loaded rows that have to equal those of other cases of the same
    word, but for their key; `tried`: what stands in the page: (fault, outcome)."""

    group: str
    table: str
    name: str
    content: bytes = b""
    read: int = 0
    rejected: list[tuple[int, str | None, str]] = field(default_factory=list)
    superseded: int = 0
    texts: dict[str, list[str]] = field(default_factory=dict)
    alike: list[str] = field(default_factory=list)  # values of the counted column
    unknown: str | None = None  # unknown columns as load_audit names them
    tried: list[tuple[str, str]] = field(default_factory=list)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """rows read, loaded, rejected, superseded"""
        rejected = len(self.rejected)
        return self.read, self.read - rejected - self.superseded, rejected, self.superseded


class Rows:
    """Writes the rows of one case, remembering what each has to become. The first and the last one are good."""

    def __init__(self, group: str, table: Table, slug: str, numbers: Iterator[int]):
        self.case, self.table, self.numbers = Case(group, table.name, f"{table.name}/{slug}.csv"), table, numbers
        self.rows: list[dict] = []
        self.line = 1  # the last physical line written
        self.tag = f"{slug}-"
        self.good()

    def good(self, /, **fields: str | None) -> dict:
        row = self.table.row(next(self.numbers), self.tag, **fields)
        self._add(row)
        return row

    def bad(self, column: str, reason: str, fault: str, said: str = "", /, **fields: str | None) -> None:
        """A row with one fault; `said` is the reason as the page words it."""
        self.case.rejected.append((self.line + 1, column, reason))
        self.case.tried.append((fault, f"row rejected: {said or reason}"))
        self._add(self.table.row(next(self.numbers), self.tag, **fields))

    def kept(self, fault: str, outcome: str, /, **fields: str | None) -> None:
        self.case.tried.append((fault, outcome))
        self.good(**fields)

    def _add(self, row: dict) -> None:
        self.rows.append(row)
        text = "".join(value or "" for value in row.values())
        self.line += 1 + text.count("\n") + text.count("\r") - text.count("\r\n")

    def finish(self, write: Callable[[list[str], list[dict]], bytes] | None = None) -> Case:
        self.good()
        self.case.read = len(self.rows)
        self.case.content = (write or as_csv)(self.table.header, self.rows)
        return self.case


def as_csv(header: list[str], rows: Iterable[dict], **options) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, **{"lineterminator": "\n", **options})
    writer.writerows([header, *([row.get(name) for name in header] for row in rows)])
    return text.getvalue().encode()


def shown(value: str) -> str:
    """A value as the page shows it."""
    if len(value) > 60:
        return f"{len(value):,} characters"
    plain = value.isascii() and value.isprintable() and "`" not in value
    return f"`{value}`" if plain else repr(value)[1:-1] if "`" in value else f"`{ascii(value)[1:-1]}`"


# Values ------------------------------------------------------------------------------------------------------------


def value_cases(table: Table, numbers: Iterator[int]) -> Iterator[Case]:
    """Every column with values that its type or its rules do not take."""
    rows = Rows("Missing values", table, "missing", numbers)
    for column in table.columns:
        if column.is_needed:
            rows.bad(column.name, "missing", "no value in a required column", **{column.name: None})
        elif column.name not in REFERENCES:
            rows.kept("no value in another column", "loaded, without the value", **{column.name: None})
    yield rows.finish()

    names = {
        "bigint": "a whole number",
        "money": "an amount",
        "number": "a rate or share",
        "boolean": "true or false",
        "date": "a date",
        "timestamp": "a time",
    }
    for form, (reason, values) in FORMS.items():
        columns = [column for column in table.columns if column.form == form]
        rows = Rows("Written forms", table, f"form_{form}", numbers)
        for column in columns:
            for value in values:
                rows.bad(column.name, reason, f"{shown(value)} for {names[form]}", **{column.name: value})
        if columns:
            yield rows.finish()

    rows = Rows("Ranges", table, "ranges", numbers)
    for column in table.columns:
        low, high, above = map(column.rules.get, ("min", "max", "above"))
        name, step = column.name, 1 if column.type == "bigint" else 0.5
        if low is not None:
            rows.bad(name, f"less than {low}", "below the least value", "less than ...", **{name: str(low - step)})
            if name != "seller_discount" and table.name != "order_lines":
                rows.kept("the least value", "loaded", **{name: str(low)})
        if high is not None:
            rows.bad(name, f"more than {high}", "above the greatest value", "more than ...", **{name: str(high + step)})
            rows.kept("the greatest value", "loaded", **{name: str(high)})
        if above is not None:
            for value in (above, above - step):
                rows.bad(name, f"not above {above}", "not above the bound", "not above ...", **{name: str(value)})
    for check in CHECKS.get(table.name, []):
        rows.bad(*check[:3], **check[3])
    if rows.case.tried:
        yield rows.finish()

    rows = Rows("Words of a list", table, "words", numbers)
    for column in table.columns:
        words = column.rules.get("values") or []
        spoilt = {"nonsense", words[0].upper(), f"{words[0]} ", words[0][:-1] or "="} - set(words) if words else set()
        for word in sorted(spoilt):
            rows.bad(
                column.name,
                "none of " + ", ".join(words),
                "a word not in the list, in capitals, cut or with a space", "none of ...",
                **{column.name: word},
            )
        for word in words:
            rows.kept(
                "each word of the list", "loaded",
                **{column.name: word} | ({"score": "1"} if table.name == "survey_invitations" else {}),
            )
    if rows.case.tried:
        yield rows.finish()

    rows = Rows("Currencies", table, "currencies", numbers)
    for column in table.columns:
        if column.rules.get("form") == "currency":
            for value in CURRENCIES[1]:
                rows.bad(column.name, CURRENCIES[0], f"{shown(value)} for a currency", **{column.name: value})
    if rows.case.tried:
        yield rows.finish()


# Rules of a table as a whole: (column, reason, fault, the fields that break it).
CHECKS = {
    "order_lines": [
        (
            "quantity", "quantity x unit_price is beyond any order", "a quantity and a price too large to multiply",
            {"quantity": "9" * 15, "unit_price": "9" * 14},
        ),
        (
            "quantity", "quantity x unit_price is beyond any order", "a quantity and a price too large to multiply",
            {"quantity": "1000000", "unit_price": "100000000.0000"},
        ),
        (
            "seller_discount", "more than quantity x unit_price", "a discount larger than the line",
            {"quantity": "2", "unit_price": "5.00", "seller_discount": "10.01"},
        ),
    ],
    "survey_invitations": [
        (
            "score", "outside 0..10 (nps) or 1..5 (every other survey)", "a score off its scale",
            {"survey": survey, "score": score},
        )
        for survey, score in [("nps", "11"), ("nps", "-1"), ("csat", "0"), ("csat", "6"), ("ces", "10")]
    ],
}


def time_cases(table: Table, numbers: Iterator[int]) -> Iterator[Case]:
    """Years beyond the contract's, and what cannot have happened yet on the day of delivery."""
    reason, days = YEARS
    for slug, dt, last, too_late in [
        ("times", "", LAST_MOMENT, TOO_LATE),
        ("times", "dt=2026-01-20/", "2026-01-21T23:59:59Z", "2026-01-22"),
    ]:
        rows = Rows("Times", table, slug + dt[3:5], numbers)
        rows.case.name = f"{table.name}/{dt}{slug}.csv"
        for column in table.columns:
            name = column.name
            if column.type not in ("date", "timestamp"):
                continue
            for day in days if not dt else []:
                text = day if column.type == "date" else f"{day}T23:00:00Z"
                rows.bad(name, reason, f"the year {day[:4]}", **{name: text})
            if column.type == "date" or column.rules.get("may_be_future"):
                if name != table.counted.name:
                    rows.kept("a planned time, or a day, in the future", "loaded", **{name: "2099-12-31"})
                continue
            rows.bad(
                name,
                "later than the day after its delivery", "a time later than the day after the delivery",
                **{name: too_late},
            )
            if not dt:
                rows.bad(
                    name,
                    "later than the day after its delivery",
                    "a time whose offset makes it later than the day after the delivery",
                    **{name: "2026-03-02T23:30:00-01:00"},
                )
            rows.kept("the last moment of the day after the delivery", "loaded", **{name: last})
        if rows.case.tried:
            yield rows.finish()


def key_cases(table: Table, numbers: Iterator[int]) -> Iterator[Case]:
    rows = Rows("Keys", table, "keys", numbers)
    first = rows.good()
    rows.kept(
        "the same key again in one file", "the later row wins, the earlier is superseded",
        **{name: first[name] for name in table.keys},
    )
    rows.case.superseded = 1
    key = table.counted
    column = next((c for c in table.columns if c.is_needed and c.name != key.name), None)
    if column:
        rows.bad(
            column.name,
            "missing", "the same key again, in a row at fault", "missing; the good row stays",
            **{name: first[name] for name in table.keys} | {column.name: None},
        )
    if key.is_free:
        for words, value in [
            ("in capitals", first[key.name].upper()),
            ("with a space", first[key.name] + " "),
            ("with an accent in another normal form", "e\u0301" + first[key.name]),
            ("with an accent", "\u00e9" + first[key.name]),
        ]:
            rows.kept(f"a key that differs {words}", "loaded, another key", **{key.name: value})
    yield rows.finish()
    if table.name == "order_lines":
        rows = Rows("References", table, "orphans", numbers)
        for value in ("nowhere", "O1", "o1 ", "'; drop table x; --"):
            rows.bad(
                "order_id", f"not in stg_orders: {value}", "a line of an order that is not there",
                "it waits for its order",
                order_id=value,
            )
        yield rows.finish()
    elif any(name in REFERENCES for name in set(table.header) - {table.counted.name}):
        rows = Rows("References", table, "orphans", numbers)
        for column in table.columns:
            if column.name in REFERENCES and column.name != table.counted.name:
                rows.kept(
                    "another reference to nothing", "loaded; a test warns of it where the contract has a reference",
                    **{column.name: "nowhere"},
                )
        yield rows.finish()


def text_cases(table: Table, numbers: Iterator[int]) -> Iterator[Case]:
    """Texts that some program takes for something else."""
    if not table.text.is_free:
        return
    rows = Rows("Texts", table, "texts", numbers)
    name = table.text.name
    rows.case.texts[name] = []
    for words, values in TEXTS.items():
        for value in values:
            rows.kept(words, "loaded as it is", **{name: value})
            rows.case.texts[name].append(value)
    yield rows.finish()


# Files -------------------------------------------------------------------------------------------------------------


def form_cases(table: Table, numbers: Iterator[int]) -> Iterator[Case]:
    """One good file in each form that another program writes, and each way to break one."""
    header = table.header

    def rows_of(slug: str, count: int = 3) -> list[dict]:
        return [table.row(next(numbers), f"{slug}-") for _ in range(count)]

    def case(
        group: str,
        slug: str,
        fault: str,
        outcome: str,
        content: bytes,
        read: int = 3,
        ending: str = "csv",
        rejected: Iterable[tuple] = (),
        unknown: str | None = None,
    ) -> Case:
        made = Case(group, table.name, f"{table.name}/{slug}.{ending}", content, read, list(rejected), unknown=unknown)
        made.tried.append((fault, outcome))
        return made

    group = "Forms of CSV"
    whole = "file read whole, every row loaded"
    for slug, fault, change in [
        ("bom", "a byte order mark", lambda data: b"\xef\xbb\xbf" + data),
        ("crlf", "CR LF line ends", lambda data: data.replace(b"\n", b"\r\n")),
        ("cr", "lone CR line ends", lambda data: data.replace(b"\n", b"\r")),
        ("no_end", "no line end after the last row", lambda data: data.rstrip(b"\n")),
        ("blank", "blank lines, before the header too", lambda data: b"\n\n" + data.replace(b"\n", b"\n\n")),
    ]:
        yield case(group, slug, fault, whole, change(as_csv(header, rows_of(slug))))
    yield case(group, "packed", "gzip", whole, gzip.compress(as_csv(header, rows_of("packed"))), ending="csv.gz")
    packed = as_csv(header, rows_of("members"))
    yield case(
        group,
        "members", "gzip of several members",
        whole,
        gzip.compress(packed[:20]) + gzip.compress(packed[20:]),
        ending="csv.gz",
    )
    yield case(
        group, "quoted", "every field in quotes", whole, as_csv(header, rows_of("quoted"), quoting=csv.QUOTE_ALL)
    )
    yield case(group, "turned", "columns in another order", whole, as_csv(header[::-1], rows_of("turned")))
    needed = [column.name for column in table.columns if column.must_be_delivered]
    yield case(group, "least", "only the columns that must be delivered", whole, as_csv(needed, rows_of("least")))
    yield case(group, "header", "a header and no row", "no row, no fault", as_csv(header, []), read=0)
    names = ["", "filename", 'quo"te', "a,b", " x", "select", "_row", "_file", "d_" + header[0], "né"]
    more = [{**row, **dict.fromkeys(names, "1")} for row in rows_of("more")]
    yield case(
        "Columns", "more", "unknown columns: no name, quotes, commas, names that the loader uses",
        "every row loaded; the columns are ignored and named",
        as_csv(names[:5] + header + names[5:], more),
        unknown=", ".join(names),
    )
    other = header[-1].upper()
    doubled = [{**row, other: "x"} for row in rows_of("capitals")]
    yield case(
        "Columns", "capitals", "a column beside its name in capitals",
        "every row loaded; the stranger is ignored and named",
        as_csv([*header, other], doubled),
        unknown=other,
    )

    group = "Rows that are none"
    good = as_csv(header, rows_of("ragged", 6)).split(b"\n")
    short, long = (good[3].rsplit(b",", 1)[0], good[4] + b",more")
    width = len(header)
    ragged = [good[0], good[1], short, good[2], long, good[5], b"\xff" + good[6], b""]
    made = case(
        group,
        "ragged", "a field too few", "row rejected: n fields where the header has m",
        b"\n".join(ragged),
        6,
        rejected=[
            (3, None, f"{width - 1} fields where the header has {width}"),
            (5, None, f"{width + 1} fields where the header has {width}"),
            (7, None, "not UTF-8"),
        ],
    )
    made.tried += [
        ("a field too many", "row rejected: n fields where the header has m"),
        ("bytes that are not UTF-8", "row rejected: not UTF-8"),
    ]
    yield made
    good = as_csv(header, rows_of("spoilt", 4)).split(b"\n")
    made = case(
        group,
        "spoilt", "a NUL character", "row rejected: holds a NUL character",
        b"\n".join([good[0], good[1], b"\0" + good[2], b'"x"y' + good[3], good[4], b"\0\0\0", b""]),
        5,
        rejected=[
            (3, None, "holds a NUL character"),
            (4, None, "a quote stands where CSV allows none"),
            (6, None, "holds a NUL character"),
        ],
    )
    made.tried.append(("text after a closing quote", "row rejected: a quote stands where CSV allows none"))
    yield made

    group = "Files that cannot be trusted"
    outcome = "file refused, each of its lines a rejected row: "
    data = as_csv(header, rows_of("doubt"))
    lines = data.rstrip(b"\n").split(b"\n")

    def refused(
        slug: str, fault: str, content: bytes, reason: str, said: str = "", read: int = 3, ending="csv"
    ) -> Case:
        return case(
            group,
            slug,
            fault,
            outcome + (said or reason),
            content,
            read,
            ending,
            [(number, None, reason) for number in range(2, read + 2)],
        )

    text = data.decode()
    binary = "UTF-16 or binary, not UTF-8"
    for name in ("utf-16", "utf-16-le", "utf-16-be"):
        yield refused(name, "UTF-16, with and without a byte order mark", text.encode(name), binary)
    yield refused("utf-32", "UTF-32", text.encode("utf-32-le"), binary)
    yield refused("utf-16z", "UTF-16 in gzip", gzip.compress(text.encode("utf-16")), binary, ending="csv.gz")
    mixed = "mixed line ends: CR LF in some places, LF or CR in others"
    yield refused("mixed", "CR LF in some lines, LF in others", data.replace(b"\n", b"\r\n", 2), mixed)
    yield refused("mixed_cr", "LF in some lines, lone CR in others", data.replace(b"\n", b"\r", 2), mixed)
    yield refused(
        "latin", "a header that is not UTF-8",
        lines[0] + b",\xe9t\xe9\n" + data.split(b"\n", 1)[1],
        "the header line is not UTF-8",
    )
    yield refused("nul", "a NUL character in the header", b"\0" + data, binary)
    yield refused(
        "open", "a quote never closed",
        b"\n".join([lines[0], lines[1], b'"' + lines[2], lines[3], b""]),
        "a quote opened in the record on line 3 is never closed", "a quote ... is never closed",
    )
    swallowed = b"\n".join([lines[0], b'"' + lines[1], lines[2], lines[3] + b'"', b""])
    yield refused(
        "swallowed", "a quote closed records later",
        swallowed,
        "a quoted field of the record on line 2 runs over whole records" if len(header) > 1 else "",
        "a quoted field ... runs over whole records",
    )


def name_cases(table: Table, numbers: Iterator[int]) -> Iterator[Case]:
    """Odd file names, and files that are delivered twice."""
    for name, fault in [
        ('it\'s a "file"', "quotes"),
        ("[a-z]{1}*?", "brackets, braces and stars"),
        ("a;b --", "SQL"),
        ("{{ 1 }}", "a template"),
        ("ü 北京", "other scripts"),
        ("a\\b", "a backslash"),
        ("$(x) `y`", "a shell's signs"),
        ("dt=2026-13-01", "what looks like a partition"),
        ("x" * 180, "a long name"),
        ("a\nb", "a line end"),
        ("100%", "a per cent sign"),
        ("-rf", "a leading dash"),
    ]:
        case = Case("File names", table.name, f"{table.name}/{name}.csv")
        case.content, case.read = as_csv(table.header, [table.row(next(numbers), "named-")]), 1
        case.tried.append((f"{fault} in the name of a file", "file read whole, every row loaded"))
        yield case
    content = as_csv(table.header, [table.row(next(numbers), "twice-") for _ in range(3)])
    for name, superseded in [("twice_a", 3), ("twice_b", 0)]:
        case = Case("Keys", table.name, f"{table.name}/{name}.csv", content, 3, superseded=superseded)
        case.tried.append(
            ("the same file under two names", "the rows of the later name win, the others are superseded")
        )
        yield case
    for folder, name, superseded in [("dt=2026-02-01", "b", 1), ("dt=2026-02-10", "a", 0)]:
        case = Case(
            "Keys",
            table.name,
            f"{table.name}/{folder}/{name}.csv",
            as_csv(table.header, [table.row(10_900, "daily-")]),
            1,
            superseded=superseded,
        )
        case.tried.append(("the same key on two days", "the later day wins, the earlier is superseded"))
        yield case


# Parquet -----------------------------------------------------------------------------------------------------------


def parquet_cases(table: Table, numbers: Iterator[int]) -> Iterator[Case]:
    """The same rows in the types of every maker; they have to become the same values."""
    types = {column.name: column.form for column in table.columns}
    keyed = [column for column in table.columns if column.is_needed and column.name != table.counted.name]
    for maker in ["csv", *MAKERS]:
        rows = [table.row(next(numbers), f"{maker}-") for _ in range(3)]
        case = Case("Parquet", table.name, f"{table.name}/maker_{maker}.parquet", read=3)
        case.alike = [rows[0][table.counted.name], rows[2][table.counted.name]]
        if keyed:
            rows[1][keyed[0].name] = None
            case.rejected = [(2, keyed[0].name, "missing")]
        if maker == "csv":
            case.name = case.name.replace(".parquet", ".csv")
            case.rejected = [(3, column, reason) for _, column, reason in case.rejected]
            case.content = as_csv(table.header, rows)
        else:
            case.content = parquet(MAKERS[maker].arrays(types, rows), MAKERS[maker].options)
        case.tried.append(
            (
                MAKERS[maker].words if maker in MAKERS else "the same rows as CSV",
                "the same values as from CSV; a row without a required value rejected",
            )
        )
        yield case


def odd_parquet_cases(tables: dict[str, Table], numbers: Iterator[int]) -> Iterator[Case]:
    """Values and columns that only Parquet can hold. They are tried in one table of each type."""
    for number, (form, words, array, reason) in enumerate(ODD_VALUES):
        table, column = next(
            (table, column)
            for table in tables.values()
            for column in table.columns
            if column.form == form
            and not column.rules.get("key")
            and not column.rules.get("values")
            and not column.rules.get("pii")
            and column.name not in REFERENCES
            and not column.rules.get("form")
            and column.rules.get("max") is None
        )
        rows = [table.row(next(numbers), f"odd{number}-") for _ in array]
        columns = {c.name: pa.array([row[c.name] for row in rows]) for c in table.columns} | {column.name: array}
        case = Case("Parquet", table.name, f"{table.name}/odd_{number:02}.parquet", parquet(columns), len(array))
        if reason:
            name = None if reason == "not UTF-8" else column.name
            case.rejected = [(place + 1, name, reason) for place in range(len(array))]
        case.tried.append((words, f"row rejected: {reason}" if reason else "loaded"))
        yield case
    for number, (words, name, array) in enumerate(ODD_COLUMNS):
        for table in list(tables.values())[number % 3 :: 9]:
            rows = [table.row(next(numbers), f"column{number}-") for _ in range(2)]
            columns = {column: [row[column] for row in rows] for column in table.header}
            fields = [*((key, pa.array(values)) for key, values in columns.items()), (name, array)]
            case = Case(
                "Columns", table.name, f"{table.name}/column_{number:02}.parquet", parquet(fields), 2, unknown=name
            )
            case.tried.append(
                (f"in Parquet, an unknown column: {words}", "every row loaded; the column is ignored and named")
            )
            yield case


def files() -> list[Case]:
    """Every case of a file beside a good marketplace."""
    cases: list[Case] = []
    tables = read_contract()
    for table in tables.values():
        numbers = iter(range(1, 10_900))
        for make in (value_cases, time_cases, key_cases, text_cases, form_cases, parquet_cases):
            cases += make(table, numbers)
    numbers = iter(range(8_000, 10_900))
    for table in (tables["orders"], tables["customers"]):
        cases += name_cases(table, numbers)
    cases += odd_parquet_cases(tables, numbers)
    for table in tables.values():
        is_personal = any(column.rules.get("pii") for column in table.columns)
        words = next((column for column in table.columns if column.rules.get("values")), None)
        if is_personal and words:
            rows = Rows("Columns", table, "displaced", numbers)
            rows.bad(
                words.name,
                "none of " + ", ".join(words.rules["values"]),
                "a personal value in another column", "none of ...; it is not shown",
                **{words.name: DISPLACED},
            )
            cases.append(rows.finish())
    huge = tables["reviews"].row(1, "huge-", comment="x" * 20_000_000)
    for name, content in [
        ("huge.csv", as_csv(tables["reviews"].header, [huge])),
        ("huge.csv.gz", gzip.compress(as_csv(tables["reviews"].header, [huge | {"review_id": "huge-2"}]))),
    ]:
        cases.append(
            Case(
                "Texts", "reviews", f"reviews/{name}",
                content,
                1,
                tried=[("a text of 20 million characters", "loaded as it is")],
            )
        )
    return cases


# Folders -----------------------------------------------------------------------------------------------------------


class Link(str):
    """A symbolic link to this."""


@dataclass
class Folder:
    """Files put into a good marketplace, or taken from it (None). Every problem that refuses the folder, or every
    warning with which it lands, holds one of these texts, and each text is in one of them."""

    group: str
    files: dict[str, bytes | Link | None]
    refused: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    tried: list[tuple[str, str]] = field(default_factory=list)


STOPS, WARNS = "the build stops", "a warning"
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def header_folders(tables: dict[str, Table]) -> Iterator[Folder]:
    """Every column left out, misspelt or doubled; headers that are none."""
    group = "Columns"

    def stops(fault: str, outcome: str) -> Folder:
        return Folder(group, {}, tried=[(fault, f"{STOPS}: {outcome}")])

    out, capital, double, double_parquet = (
        stops("a required column left out", "file, column and what was found instead are named"),
        stops("a required column in capitals or with a space", "file, column and what was found instead are named"),
        stops("a column twice in a header", "file and column are named"),
        stops("a column twice in Parquet", "file and column are named"),
    )
    meant = Folder(group, {}, tried=[("an optional column in capitals or with a space", f"{WARNS}: did you mean ...?")])
    for table in tables.values():
        row = table.row(1)
        for number, column in enumerate(table.columns):
            name, others = f"{table.name}/{number}", [other for other in table.header if other != column.name]
            double.files[f"{name}.csv"] = as_csv([*table.header, column.name], [row])
            double.refused.append(f"{name}.csv: the header has the column {column.name} more than once")
            other = column.name.title() if number % 2 else f" {column.name} "
            misspelt = as_csv([*others, other], [row | {other: row[column.name]}])
            if column.must_be_delivered:
                out.files[f"{name}.csv"] = as_csv(others, [row])
                out.refused.append(f"{name}.csv: the required column {column.name} is missing; found instead: ")
                capital.files[f"{name}.csv"] = misspelt
                capital.refused.append(f"{name}.csv: the required column {column.name} is missing; found instead: ")
            else:
                meant.files[f"{name}.csv"] = misspelt
                meant.warned += [
                    f"{name}.csv has columns that are not in the contract, ignored: ",
                    f"is ignored: did you mean {column.name}?",
                ]
        fields = [*((name, pa.array([value])) for name, value in row.items()), (table.counted.name, pa.array(["x"]))]
        double_parquet.files[f"{table.name}/x.parquet"] = parquet(fields)
        double_parquet.refused.append(f"x.parquet: the header has the column {table.counted.name} more than once")
    yield from (out, capital, double, double_parquet, meant)

    headless = stops("no header: data in the first line", "nothing personal is shown")
    unclosed = stops("a header with a quote never closed, or a line end in a name", "the header is not well-formed")
    for table in tables.values():
        needed = [column.name for column in table.columns if column.must_be_delivered]
        headless.files[f"{table.name}/x.csv"] = as_csv(table.header, [table.row(1), table.row(2)]).split(b"\n", 1)[1]
        headless.refused += [f"x.csv: the required column {name} is missing; found instead: " for name in needed]
        values = list(table.row(1).values())
        if len(set(values)) < len(values):
            headless.refused.append(f"{table.name}/x.csv: the header has the column ")
        unclosed.files[f"{table.name}/x.csv"] = b'"' + as_csv(table.header, [table.row(1)])
        unclosed.files[f"{table.name}/y.csv"] = b'"a\nb",' + as_csv(table.header, [table.row(1)])
        unclosed.refused.append(f"{table.name}/x.csv and 1 more: the header line is not well-formed CSV")
    yield unclosed
    yield headless
    for separator, words in OTHER_SEPARATORS.items():
        other = stops(f"{words} for commas", "the separator is named")
        for table in tables.values():
            if len(table.header) > 1:
                other.files[f"{table.name}/x.csv"] = as_csv(table.header, [table.row(1)], delimiter=separator)
                other.refused.append(f"the header is separated by {words}; commas are expected")
        yield other


def container_folders(tables: dict[str, Table]) -> Iterator[Folder]:
    """Files that are not what their ending says, of every table."""
    group = "Files that cannot be trusted"
    good = {table.name: as_csv(table.header, [table.row(number) for number in range(50)]) for table in tables.values()}
    packed = {name: gzip.compress(content) for name, content in good.items()}
    columns = {name: {column: pa.array(["x"]) for column in table.header} for name, table in tables.items()}
    written = {name: parquet(arrays) for name, arrays in columns.items()}
    for fault, ending, contents in [
        ("a .gz file that is none", "csv.gz", good),
        ("a .gz file cut short", "csv.gz", {name: content[:-9] for name, content in packed.items()}),
        (
            "a .gz file with a byte changed", "csv.gz",
            {name: content[:-6] + bytes([content[-6] ^ 255]) + content[-5:] for name, content in packed.items()},
        ),
        ("text after the end of a .gz file", "csv.gz", {name: content + b"more" for name, content in packed.items()}),
        ("a CSV file named .parquet", "parquet", good),
        ("a Parquet file cut short", "parquet", {name: content[:-20] for name, content in written.items()}),
        (
            "a Parquet file without its beginning", "parquet",
            {name: content[20:60] for name, content in written.items()},
        ),
        (
            "a Parquet file whose footer is noise", "parquet",
            {name: content[:-40] + b"\x99" * 32 + content[-8:] for name, content in written.items()},
        ),
    ]:
        files = {f"{name}/x.{ending}": content for name, content in contents.items()}
        yield Folder(group, files, [f"/{name}: " for name in files], tried=[(fault, f"{STOPS}: the file is named")])
    for fault, ending, contents in [
        ("a .gz file named .csv", "csv", packed),
        ("a Parquet file named .csv", "csv", written),
    ]:
        files = {f"{name}/x.{ending}": content for name, content in contents.items()}
        said = [
            f"{name}: its content is that of a .{'parquet' if contents is written else 'csv.gz'} file" for name in files
        ]
        yield Folder(group, files, said, tried=[(fault, f"{STOPS}: the file is named, and what it is")])
    for fault, content in [
        ("a file of 0 bytes", b""),
        ("a file of blank lines", b"\n\r\n\n"),
        ("a byte order mark and no more", b"\xef\xbb\xbf"),
    ]:
        for ending in ("csv", "csv.gz", "parquet") if not content else ("csv",):
            body = gzip.compress(content) if ending == "csv.gz" else content
            beside = {f"{table.name}/x.{ending}": body for table in tables.values()}
            yield Folder(
                group,
                beside,
                warned=[f"{name}: empty file, not even a header" for name in beside],
                tried=[(fault, f"{WARNS}; it counts as no file")],
            )
            needed = [table.name for table in tables.values() if table.required]
            alone = dict.fromkeys((f"{name}.csv" for name in needed), None) | {
                f"{name}/x.{ending}": body for name in needed
            }
            yield Folder(
                group,
                alone,
                [f"{name}/x.{ending}: empty file, not even a header" for name in needed],
                tried=[(f"{fault}, where a required table has no other", f"{STOPS}: the file is named")],
            )


def name_folders(tables: dict[str, Table]) -> Iterator[Folder]:
    """Which files are read, and what is said of the others."""
    group = "Which files"
    for table in tables.values():
        content = as_csv(table.header, [table.row(1)])
        if table.required:
            yield Folder(
                group,
                {f"{table.name}.csv": None},
                [f"the required table {table.name} is missing: "],
                tried=[("a required table missing", f"{STOPS}: table and what was found are named")],
            )
        single = table.name[:-1]
        for name, better in [
            (f"{table.name}-2026.csv", f"{table.name}/{table.name}-2026.csv"),
            (f"{table.name}.CSV", None),
            (f"{table.name}.csv.zip", None),
            (f"{table.name}.xlsx", None),
            (f"{table.name.title()}.csv", None),
            (f"{table.name}/part-00000", f"{table.name}/part-00000.csv"),
            (f"{table.name}/x.tsv", f"{table.name}/x.csv"),
            (f"{table.name}/x.PARQUET", f"{table.name}/x.parquet"),
            (f"{single}.csv", None),
            (f"{table.name} (1).csv", None),
            (f"export_{table.name}.csv", None),
        ]:
            said = f"{name} (should be {better or table.name}" if better or name != f"{single}.csv" else name
            yield Folder(
                group,
                {name: content},
                warned=[said],
                tried=[("a name or an ending that nobody reads", f"{WARNS}, with the name it should have")],
            )
        yield Folder(
            group,
            {f"{table.name}/country=DE/x.csv": content},
            warned=["of partitions, only dt= is read"],
            tried=[("a partition other than dt=", f"{WARNS}: country should be a column")],
        )
        yield Folder(
            group,
            {f"{table.name}/{hidden}/x.csv": content for hidden in ("_temporary", ".ipynb_checkpoints")}
            | {f"{table.name}/_SUCCESS": b"", f"{table.name}/.x.csv": content},
            tried=[("files and folders that begin with _ or .", "never data")],
        )
        days = ["2026-3-9", "2026-02-30", "", "1899-01-01", "today", "20260309", "2026-03-09T00", "9999-12-31"]
        yield Folder(
            group,
            {f"{table.name}/dt={day}/x.csv": content for day in days},
            [f"the folder dt={day} is not a day (dt=YYYY-MM-DD)" for day in days],
            tried=[("a folder dt= that is no day", f"{STOPS}: the folder is named")],
        )
        yield Folder(
            group,
            {f"{table.name}/x.csv": Link("nowhere.csv")},
            [f"{table.name}/x.csv: a link to nothing"],
            tried=[("a link to nothing", f"{STOPS}: the link is named")],
        )
        yield Folder(
            group,
            {f"{table.name}/round": Link("."), f"{table.name}/up": Link("..")},
            tried=[("links that go round in circles", "followed once")],
        )
        yield Folder(
            group,
            {f"{table.name}/x\udcff.csv": content},
            ["the name of the file is not UTF-8"],
            tried=[("a file name that is not UTF-8", f"{STOPS}: the name is shown")],
        )


def folders() -> list[Folder]:
    """Every case of a folder."""
    tables = read_contract()
    return [*header_folders(tables), *container_folders(tables), *name_folders(tables)]


# The page ----------------------------------------------------------------------------------------------------------

HEAD = """# Bad input

What is tried with broken extracts, and what happens. `tests/python/load/corpus.py` makes every case from the input
contract, so that a new table or column is broken too; `make test` lands and loads them all and holds each to its
outcome: the row, the column and the reason of every rejected row, the words of every refusal and warning. Another
reader counts the rows of every file, read = loaded + rejected + superseded, and the recomputation judges each row by
itself, so none is lost. A refused folder leaves the landing as it was, byte for byte. A fuzzer goes on where the cases
end (`make soak`). `make land` tells what stops, refused files, warnings and rows that cannot be read (not UTF-8,
too many fields); a row that is rejected for what it says is told by the build.
Written by `python -m tests.python.load.corpus`.

"""


def page() -> str:
    """The table of faults as Markdown."""
    cases, groups = [*files(), *folders()], {}
    for case in cases:
        for tried in case.tried:
            groups.setdefault(case.group, Counter())[tried] += 1
    inside, outside = len(files()), sum(len(folder.files) for folder in folders())
    parts = [
        HEAD,
        f"{inside:,} files beside a good marketplace and {outside:,} files in {len(folders()):,} folders, with "
        f"{sum(sum(counts.values()) for counts in groups.values()):,} faults and oddities; rows lost: 0.\n",
    ]
    for group, counts in groups.items():
        parts.append(f"\n## {group}\n\n| tried | times | what happens | rows lost |\n|---|---:|---|---:|\n")
        for (fault, outcome), count in counts.items():
            parts.append(f"| {_cell(fault)} | {count:,} | {_cell(outcome)} | 0 |\n")
    return "".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    text = page()
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE.relative_to(ROOT)} is out of date: run python -m tests.python.load.corpus", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
