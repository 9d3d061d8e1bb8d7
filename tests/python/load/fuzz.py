"""Spoils good extracts at random and holds the landing, the warehouse and another reader's count to their promises.

    python -m tests.python.load.fuzz [--seconds 600] [--seed N]

The landing takes a file or refuses it with a message that names it, never another way; no message shows a personal
value; rows read equal those that another reader counts; whatever landed goes through one run of dbt per batch, and every
row is accounted for. A fault ends the run: the seed, what is wrong and the path of the input are printed (exit code 1).
"""

from __future__ import annotations

import argparse
import functools
import gzip
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from ops import land as landing_module
from ops.land import LandingError
from ops.project import ROOT
from python_checks.recompute.extracts import read_extracts
from python_checks.rows_read import count_rows, differences
from tests.python.conftest import dbt
from tests.python.load import corpus
from tests.python.load.conftest import Marketplace
from tests.python.load.parquet_makers import MAKERS, duckdb_file, parquet

BATCH, LEAST_SECONDS = 300, 20  # files that one run of dbt takes; what a batch of some files takes
TOKENS = [
    b'"', b'""', b"\0", b"\r", b"\n", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"\xff", b"\xc3", b"\xed\xa0\x80", b",", b",,", b";",
    b"\t", b"'", b"\x1a", b"\x0b", b"\x0c", b"\x1c", b"\xe2\x80\xa8", b"\xc2\x85", b"\\", b"=", b'","', b'"\n"', b"\n,", b"{{",
]
WORDS = [value for _, values in corpus.FORMS.values() for value in values] + [
    text for texts in corpus.TEXTS.values() for text in texts if len(text) < 1000
]


class Found(Exception):
    """A promise that does not hold, with the files that show it."""

    def __init__(self, what: str, files: dict[str, bytes]):
        super().__init__(what)
        self.what, self.files = what, files


@dataclass
class Tally:
    """What a run has seen."""

    landed: int = 0
    refused: int = 0
    rows: int = 0
    files: dict[str, bytes] = field(default_factory=dict)


class Fuzzer:
    """One run over a good marketplace. The same seed gives the same files."""

    def __init__(self, market: Marketplace, seed: int):
        self.market, self.seed, self.random, self.tally = market, seed, random.Random(seed), Tally()
        self.tables = corpus.read_contract()
        self.numbers = 0
        for path in market.folder.iterdir():
            os.utime(path, (corpus.DELIVERED.timestamp(),) * 2)

    def run(self, seconds: float, most: int = BATCH) -> Tally:
        """Lands files for so long, or until a batch is full; then loads them. Raises Found."""
        end = time.monotonic() + seconds
        self.market.land()
        while time.monotonic() < end and len(self.tally.files) < most:
            self._offer(dict(self._file() for _ in range(self.random.randint(1, 4))))
        self._load()
        return self.tally

    def _offer(self, files: dict[str, bytes]) -> None:
        """Lands files together; when they are refused, each alone."""
        for name, content in files.items():
            os.utime(self.market.write(name, content), (corpus.DELIVERED.timestamp(),) * 2)
        try:
            landed = self.market.land()
        except LandingError as error:
            self._check_words(str(error), files)
            for name in files:
                (self.market.folder / name).unlink()
            if len(files) == 1:
                [name] = files
                if name not in str(error):
                    raise Found(f"refused without its name: {error}", files) from None
                self.tally.refused += 1
            else:
                for name, content in files.items():
                    self._offer({name: content})
            return
        except Exception as error:
            raise Found(f"{type(error).__name__}: {error}", files) from error
        self._check_words("\n".join(landed.warnings), files)
        read = {row["file_name"]: row["rows_read"] for row in landed.files}
        for name, content in files.items():
            if name not in read:
                if f"{name}: empty file, not even a header" not in landed.warnings:
                    raise Found("not landed, without a word", {name: content})
                continue
            try:
                counted = count_rows(self.market.folder / name)
            except Exception as error:
                raise Found(f"another reader does not count it: {type(error).__name__}: {error}", {name: content}) from error
            if read[name] != counted:
                raise Found(f"{read[name]} rows read, {counted} counted by another reader", {name: content})
            self.tally.landed += 1
            self.tally.rows += counted
        self.tally.files |= files

    def _check_words(self, text: str, files: dict[str, bytes]) -> None:
        if corpus.SECRET in text:
            raise Found(f"a message shows a personal value: {text}", files)
        if "Traceback" in text:
            raise Found(f"a message shows a stack trace: {text}", files)

    def _load(self) -> None:
        run = self.market.dbt("run", "--select", "staging", "load_audit", "rejected_rows")
        if run.returncode:
            said = [line for line in run.stdout.splitlines() if "Error" in line]
            raise Found("dbt does not load what landed: " + "\n".join(said[:6]), self.tally.files)
        if wrong := differences(self.market.folder, self.market.database):
            raise Found("rows do not reconcile: " + "\n".join(wrong[:6]), self.tally.files)
        try:
            own = read_extracts(self.market.folder).files
        except BaseException as error:  # polars panics beside Exception
            raise Found(f"the recomputation does not read what landed: {type(error).__name__}: {error}", self.tally.files)
        audit = self.market.audit()
        for name, *counts in own.drop("table_name").iter_rows():
            if audit.get(name) != tuple(counts):
                raise Found(f"{name}: {audit.get(name)} loaded, {tuple(counts)} by the recomputation", {
                    name: self.tally.files.get(name, b"")})
        if corpus.SECRET.encode() in self.market.database.read_bytes():
            raise Found("a personal value is in the warehouse in clear", self.tally.files)

    # What is made ---------------------------------------------------------------------------------------------------

    def _file(self) -> tuple[str, bytes]:
        """A spoilt file of any table, with its name."""
        table = self.random.choice(list(self.tables.values()))
        self.numbers += 1
        rows = [table.row(self.numbers * 10 + number, f"f{self.seed}-") for number in range(self.random.randint(0, 5))]
        if self.random.random() < 0.7:
            content, ending = self._csv(table, rows)
        else:
            content, ending = self._parquet(table, rows), "parquet"
        folder = self.random.choice(["", "", "", "dt=2026-02-01/", "deep/er/"])
        return f"{table.name}/{folder}{self.numbers:06}.{ending}", content

    def _csv(self, table: corpus.Table, rows: list[dict]) -> tuple[bytes, str]:
        header = list(table.header)
        if self.random.random() < 0.2:
            self.random.shuffle(header)
        for row in rows:
            for name in header:
                if self.random.random() < 0.02:
                    row[name] = self.random.choice(WORDS)
        options = {"lineterminator": self.random.choice(["\n", "\n", "\n", "\r\n", "\r"]), "quoting": self.random.choice([0, 0, 1])}
        data = corpus.as_csv(header, rows, **options)
        for _ in range(self.random.choice([0, 1, 1, 1, 2, 3, 5])):
            data = self.random.choice(SPOIL)(self.random, data)
        if self.random.random() < 0.9:
            return data, "csv"
        data = gzip.compress(data, mtime=0)
        return (_cut(self.random, data) if self.random.random() < 0.3 else data), "csv.gz"

    def _parquet(self, table: corpus.Table, rows: list[dict]) -> bytes:
        choose = self.random
        maker = choose.choice(list(MAKERS.values()))
        columns = list(maker.arrays({column.name: column.form for column in table.columns}, rows).items())
        for _ in range(choose.choice([0, 1, 1, 2, 3])):
            place = choose.randrange(len(columns))
            name, array = columns[place]
            match choose.randrange(6):
                case 0:
                    columns[place] = (choose.choice(["", name.upper(), f" {name}", "_row", "filename", "x\0y", name[:-1]]), array)
                case 1 if len(columns) > 1:
                    del columns[place]
                case 2:
                    columns.append((choose.choice(["extra", name]), array))
                case _:
                    columns[place] = (name, self._array(len(rows)))
        options = dict(maker.options) if choose.random() < 0.7 else {}
        try:
            data = parquet(columns, options)
        except (pa.ArrowException, ValueError, TypeError):  # a writer that cannot write this
            data = parquet([(name, pa.array(["x"] * len(rows), pa.string())) for name, _ in columns])
        if choose.random() < 0.1:
            data = _cut(choose, data)
        elif choose.random() < 0.1:
            fields = ", ".join(f"{choose.choice(SQL)} as \"{name}\"" for name in table.header)
            data = duckdb_file(f"select {fields} from range({len(rows)}) as rows (i)")
        return data

    def _array(self, count: int) -> pa.Array:
        """Values of a random type."""
        make, kind = self.random.choice(TYPES)
        values = [None if self.random.random() < 0.2 else make(self.random) for _ in range(count)]
        return pa.array(values, kind)


Spoil = Callable[[random.Random, bytes], bytes]


def _cut(choose: random.Random, data: bytes) -> bytes:
    return data[: choose.randrange(len(data) + 1)]


def _flip(choose: random.Random, data: bytes) -> bytes:
    if not data:
        return data
    place = choose.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << choose.randrange(8))]) + data[place + 1 :]


def _insert(choose: random.Random, data: bytes) -> bytes:
    place = choose.randrange(len(data) + 1)
    return data[:place] + choose.choice(TOKENS) + data[place:]


def _delete(choose: random.Random, data: bytes) -> bytes:
    place = choose.randrange(len(data) + 1)
    return data[:place] + data[place + choose.randrange(1, 30) :]


def _repeat(choose: random.Random, data: bytes) -> bytes:
    place = choose.randrange(len(data) + 1)
    return data[:place] + data[place : place + choose.randrange(1, 200)] * 2 + data[place:]


def _lines(choose: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    place = choose.randrange(len(lines))
    match choose.randrange(4):
        case 0:
            del lines[place]
        case 1:
            lines.insert(choose.randrange(len(lines)), lines[place])
        case 2:
            lines[place] = lines[place].rstrip(b"\r\n")
        case 3:
            choose.shuffle(lines)
    return b"".join(lines)


def _fields(choose: random.Random, data: bytes) -> bytes:
    fields = data.split(b",")
    place = choose.randrange(len(fields))
    match choose.randrange(4):
        case 0:
            del fields[place]
        case 1:
            fields.insert(place, fields[place])
        case 2:
            fields[place] = choose.choice(WORDS).encode()
        case 3:
            fields[place] = b'"' + fields[place] + choose.choice([b'"', b""])
    return b",".join(fields)


def _recode(choose: random.Random, data: bytes) -> bytes:
    text = data.decode(errors="replace")
    return text.encode(choose.choice(["utf-16", "utf-16-le", "latin-1", "cp1252", "utf-8-sig", "utf-32"]), errors="replace")


def _other_ends(choose: random.Random, data: bytes) -> bytes:
    return data.replace(b"\n", choose.choice([b"\r", b"\r\n", b"\n\n", b"\n\r"]), choose.choice([1, 2, -1]))


def _other_separator(choose: random.Random, data: bytes) -> bytes:
    return data.replace(b",", choose.choice([b";", b"\t", b"|", b", "]))


SPOIL: list[Spoil] = [_cut, _flip, _flip, _insert, _insert, _insert, _delete, _repeat, _lines, _lines, _fields, _fields, _recode,
                      _other_ends, _other_separator]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TYPES: list[tuple[Callable[[random.Random], object], pa.DataType]] = [
    (lambda r: r.choice(WORDS), pa.string()), (lambda r: r.choice(WORDS), pa.large_string()),
    (lambda r: r.choice(WORDS), pa.string_view()), (lambda r: r.choice(WORDS), pa.dictionary(pa.int8(), pa.string())),
    (lambda r: r.randbytes(r.randrange(6)), pa.binary()), (lambda r: r.randbytes(4), pa.binary(4)),
    (lambda r: r.randrange(-(2**63), 2**63), pa.int64()), (lambda r: r.randrange(-3, 30), pa.int8()),
    (lambda r: r.randrange(2**64), pa.uint64()), (lambda r: r.randrange(2**31), pa.int32()),
    (lambda r: r.choice([0.0, 1.5, 1e300, float("nan"), float("-inf"), 0.1, 7.0, -0.0, 1e15]), pa.float64()),
    (lambda r: r.choice([0.0, 1.5, float("nan"), 0.1]), pa.float32()), (lambda r: 1.5, pa.float16()),
    (lambda r: Decimal(r.randrange(10**30)).scaleb(-5), pa.decimal128(38, 5)),
    (lambda r: Decimal(r.randrange(10**9)).scaleb(-2), pa.decimal128(10, 2)),
    (lambda r: Decimal(r.randrange(10**50)), pa.decimal256(70, 0)), (lambda r: r.random() < 0.5, pa.bool_()),
    (lambda r: date.fromordinal(r.randrange(1, 3_652_059)), pa.date32()), (lambda r: date(2026, 1, 5), pa.date64()),
    (lambda r: r.randrange(-(2**63), 2**63), pa.timestamp("us")), (lambda r: r.randrange(-(2**63), 2**63), pa.timestamp("ms")),
    (lambda r: r.randrange(-(2**62), 2**62), pa.timestamp("ns", "UTC")), (lambda r: r.randrange(2**36), pa.timestamp("s")),
    (lambda r: EPOCH + timedelta(r.randrange(30_000)), pa.timestamp("us", "America/Sao_Paulo")),
    (lambda r: EPOCH + timedelta(r.randrange(30_000)), pa.timestamp("ms", "UTC")),
    (lambda r: r.randrange(86_400), pa.time32("s")), (lambda r: r.randrange(10**9), pa.duration("us")),
    (lambda r: [r.randrange(9)], pa.list_(pa.int64())), (lambda r: {"a": 1}, pa.struct([("a", pa.int64())])),
    (lambda r: [("a", 1)], pa.map_(pa.string(), pa.int64())), (lambda r: None, pa.null()),
]
SQL = [
    "'x' || i", "i", "i::hugeint", "i::utinyint", "uuid()", "i / 3", "(i / 3)::decimal(38, 10)", "true", "date '2026-01-05' + i::int",
    "timestamp '2026-01-05 10:00:00'", "timestamptz '2026-01-05 10:00:00+02'", "timestamp_ns '2026-01-05 10:00:00.123456789'",
    "timestamp_s '2026-01-05 10:00:00'", "timestamp 'infinity'", "date '-infinity'", "[i]", "{'a': i}", "map {'a': i}",
    "interval 1 day", "time '10:00:00'", "'ab'::blob", "null", "'a'::enum('a', 'b')", "'1'::bit", "'{}'::json",
    "(2 ** 70)::hugeint", "18446744073709551615::ubigint", "'nan'::double", "'inf'::float", "timetz '10:00:00+02'",
]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.python.load.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, help="of the first batch; each batch has its own")
    asked = parser.parse_args()
    end = time.monotonic() + asked.seconds
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**9)
    landing_module.contract = functools.cache(landing_module.contract)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        while True:
            shutil.rmtree(work / "landing", ignore_errors=True)
            (work / "warehouse.duckdb").unlink(missing_ok=True)
            fuzzer = Fuzzer(Marketplace(work / f"extracts-{seed}", work, dbt), seed)
            try:
                tally = fuzzer.run(max(end - time.monotonic() - LEAST_SECONDS, 5))
            except Found as found:
                kept = ROOT / "build" / "soak" / str(seed)
                for name, content in found.files.items():
                    (kept / name).parent.mkdir(parents=True, exist_ok=True)
                    (kept / name).write_bytes(content)
                where = kept / next(iter(found.files)) if len(found.files) == 1 else kept
                print(f"seed {seed}: {found.what}\ninput: {where}", file=sys.stderr)
                return 1
            print(f"seed {seed}: {tally.landed} files landed, {tally.rows} rows, {tally.refused} files refused: all well", flush=True)
            if time.monotonic() > end - LEAST_SECONDS:
                break
            seed += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
