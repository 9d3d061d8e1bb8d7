"""One more delivery, after the last day, of bad, repeated and corrected rows: `<table>/dt=<day>/part-0.<fmt>`.

Each bad row breaks one rule of the contract and is written down. It has a key of its own (`bad...`) or is a torn copy
of a good row, so that a reader that refuses it is left with the clean extract. Repeated and corrected rows keep the key
of the row they follow; a correction changes what no truth depends on (a comment, a brand, a topic, an address).
"""

import csv
import gzip
import io
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

# table, column that is wrong, value it gets, what is wrong, what a reader should do; {late} is after the delivery.
_WRONG_VALUES = (
    ("orders", "sales_channel", "telepathy", "unknown enumeration", "rejected"),
    ("orders", "ordered_at", "2026/01/05 10:00:00", "malformed timestamp", "rejected"),
    ("orders", "ordered_at", "20226-01-05T10:00:00Z", "malformed timestamp", "rejected"),
    ("orders", "ordered_at", "{late}", "happened after its delivery", "rejected"),
    ("orders", "customer_id", "", "missing required value", "rejected"),
    ("orders", "is_test", "yes", "malformed boolean", "rejected"),
    ("order_lines", "quantity", "1.5", "fraction in an integer", "rejected"),
    ("order_lines", "quantity", "-1", "negative quantity", "rejected"),
    ("order_lines", "quantity", "0x10", "malformed integer", "rejected"),
    ("order_lines", "seller_discount", "99999999.00", "discount above the price", "rejected"),
    ("order_lines", "order_id", "o-unknown", "orphan line", "waiting"),
    ("order_lines", "cancelled_by", "robot", "unknown enumeration", "rejected"),
    ("customers", "customer_type", "alien", "unknown enumeration", "rejected"),
    ("sellers", "validated_at", "31/12/2025", "malformed timestamp", "rejected"),
    ("payments", "amount", "12,50", "malformed amount", "rejected"),
    ("payments", "status", "ok", "unknown enumeration", "rejected"),
    ("refunds", "amount", "-3.00", "negative amount", "rejected"),
    ("reviews", "rating", "6", "rating out of range", "rejected"),
    ("returns", "quantity", "0", "quantity not above zero", "rejected"),
    ("leads", "audience", "passers-by", "unknown enumeration", "rejected"),
    ("survey_invitations", "wave", "lukewarm", "unknown enumeration", "rejected"),
)
_RAGGED = (("orders", 1), ("order_lines", -1), ("customers", 1))
_REPEATED = ("orders", "order_lines", "customers", "payments")
# table, column, its value from now on, number of rows
_CORRECTED = (
    ("reviews", "comment", "Edited: the seller has answered and sent a new one", 3),
    ("products", "brand", "Norden", 2),
    ("customers", "email", "moved@example.com", 1),
    ("support_tickets", "topic", "delivery", 2),
)
SPOILT = sorted({row[0] for row in (*_WRONG_VALUES, *_RAGGED, *_CORRECTED)} | set(_REPEATED))


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    return header, rows


def _write(path: Path, rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    data = text.getvalue().encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, compresslevel=6, mtime=0) if path.suffix == ".gz" else data)


def _last_rows(out: Path, name: str) -> tuple[str, list[str], list[list[str]]]:
    """Format, header and rows of the table's last file that holds a row; of none, nothing."""
    for path in sorted({*out.glob(f"{name}.csv*"), *(out / name).glob("**/*.csv*")}, reverse=True):
        header, rows = _read(path)
        if rows:
            return path.name.partition(".")[2], header, rows
    return "", [], []


def spoil(out: Path, tables: set[str], last_day: date) -> dict[str, object]:
    """Write the delivery of the day after `last_day` for the tables among `tables` that have a row; say what is in it.

    `bad_rows`: one entry per row, in the order of the files, with table, problem and `outcome`: `rejected`, `waiting`
    (a line whose order never comes) or `superseded` (the row before it of its key is). `planted_rows`: per table the
    number of rows of each outcome.
    """
    day = last_day + timedelta(days=1)
    late = f"{day + timedelta(days=3)}T10:00:00Z"
    told: list[dict] = []
    for name in SPOILT:
        fmt, header, rows = _last_rows(out, name) if name in tables else ("", [], [])
        if not rows:
            continue
        delivered: list[list[str]] = []

        def add(problem: str, outcome: str, name: str = name, rows: list = rows, delivered: list = delivered) -> list:
            row = list(rows[len(delivered) % len(rows)])
            told.append({"table": name, "problem": problem, "outcome": outcome})
            delivered.append(row)
            return row

        for _, column, value, problem, outcome in (wrong for wrong in _WRONG_VALUES if wrong[0] == name):
            row = add(f"{column}: {problem}", outcome)
            row[0] = f"bad{len(told):04d}"
            row[header.index(column)] = value.format(late=late)
        for _, extra in (ragged for ragged in _RAGGED if ragged[0] == name):
            row = add("ragged row", "rejected")
            row[len(row) + min(extra, 0) :] = ["surplus"] * max(extra, 0)
        # A key is delivered once: a small table has no row left for each of these.
        changes = [(None, None, "repeated key")] * _REPEATED.count(name) + [
            (column, value, f"{column}: corrected")
            for table, column, value, times in _CORRECTED if table == name
            for _ in range(times)
        ]  # fmt: skip
        for column, value, problem in changes[: max(0, len(rows) - len(delivered))]:
            row = add(problem, "superseded")
            if column:
                row[header.index(column)] = value
        _write(out / name / f"dt={day.isoformat()}" / f"part-0.{fmt}", [header, *delivered])
    counted = Counter((row["table"], row["outcome"]) for row in told)
    return {
        "bad_rows": told,
        "planted_rows": {
            name: {outcome: counted[name, outcome] for outcome in ("rejected", "waiting", "superseded")}
            for name in SPOILT
            if any(table == name for table, _ in counted)
        },
    }
