"""Bad rows for CSV extracts: each breaks one rule of the contract, and is written down.

The rows are added at the end of a table's last file. Bad rows have keys of their own (`bad...`), so that a reader that
refuses them is left with the clean extract; repeated rows keep the key of the row they repeat.
"""

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

# table, key column, column that is wrong, value it gets, what is wrong, what a reader should do
_WRONG_VALUES = (
    ("orders", "order_id", "sales_channel", "telepathy", "unknown enumeration", "rejected"),
    ("orders", "order_id", "ordered_at", "2026/01/05 10:00:00", "malformed timestamp", "rejected"),
    ("orders", "order_id", "ordered_at", "20226-01-05T10:00:00Z", "malformed timestamp", "rejected"),
    ("orders", "order_id", "paid_at", "2090-01-01T00:00:00Z", "happened after its delivery", "rejected"),
    ("orders", "order_id", "currency", "", "missing required value", "rejected"),
    ("orders", "order_id", "is_test", "yes", "malformed boolean", "rejected"),
    ("order_lines", "order_line_id", "quantity", "1.5", "fraction in an integer", "rejected"),
    ("order_lines", "order_line_id", "quantity", "-1", "negative quantity", "rejected"),
    ("order_lines", "order_line_id", "quantity", "0x10", "malformed integer", "rejected"),
    ("order_lines", "order_line_id", "seller_discount", "99999999.00", "discount above the price", "rejected"),
    ("order_lines", "order_line_id", "order_id", "o-unknown", "orphan line", "held"),
    ("order_lines", "order_line_id", "cancelled_by", "robot", "unknown enumeration", "rejected"),
    ("customers", "customer_id", "customer_type", "alien", "unknown enumeration", "rejected"),
    ("sellers", "seller_id", "registered_at", "", "missing required value", "rejected"),
    ("payments", "payment_id", "amount", "12,50", "malformed amount", "rejected"),
    ("refunds", "refund_id", "amount", "-3.00", "negative amount", "rejected"),
    ("reviews", "review_id", "rating", "6", "rating out of range", "rejected"),
    ("returns", "return_id", "quantity", "0", "quantity not above zero", "rejected"),
    ("leads", "lead_id", "audience", "passers-by", "unknown enumeration", "rejected"),
    ("survey_invitations", "invitation_id", "wave", "lukewarm", "unknown enumeration", "rejected"),
)
_RAGGED = (("orders", 1), ("order_lines", -1), ("customers", 1))
_REPEATED = ("orders", "order_lines", "customers", "payments")


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    return header, rows


def _append(path: Path, rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    data = text.getvalue().encode()
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + data, compresslevel=6, mtime=0))
    else:
        with path.open("ab") as file:
            file.write(data)


def _last_file(out: Path, name: str) -> Path | None:
    """The table's last file that holds a row."""
    files = sorted({*out.glob(f"{name}.csv*"), *(out / name).glob("**/*.csv*")})
    return next((path for path in reversed(files) if _read(path)[1]), None)


def spoil(out: Path, tables: set[str]) -> list[dict]:
    """Add bad rows to the CSV extracts of `out`; returns one entry per added row, in the order they were added.

    `outcome` is `rejected`, `held` (an orphan, judged again later) or `superseded` (one row of each repeated key).
    """
    added: list[dict] = []
    rows_of: dict[Path, list[list[str]]] = {}

    def add(
        name: str, key: str | None, problem: str, outcome: str, change: Callable[[list[str], list[str]], None]
    ) -> None:
        path = _last_file(out, name) if name in tables else None
        if path is None:
            return
        header, rows = _read(path)
        row = list(rows[len(added) % len(rows)])
        if key:
            row[header.index(key)] = f"bad{len(added):04d}"
        change(header, row)
        rows_of.setdefault(path, []).append(row)
        added.append({"table": name, "file": str(path.relative_to(out)), "problem": problem, "outcome": outcome})

    for name, key, column, value, problem, outcome in _WRONG_VALUES:

        def put(header: list[str], row: list[str], column: str = column, value: str = value) -> None:
            row[header.index(column)] = value

        add(name, key, f"{column}: {problem}", outcome, put)
    for name, extra in _RAGGED:

        def tear(header: list[str], row: list[str], extra: int = extra) -> None:
            if extra > 0:
                row.extend(["surplus"] * extra)
            else:
                del row[extra:]

        add(name, None, "ragged row", "rejected", tear)
    for name in _REPEATED:
        add(name, None, "repeated key", "superseded", lambda header, row: None)
    for path, rows in rows_of.items():
        _append(path, rows)
    return added
