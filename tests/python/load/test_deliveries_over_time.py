"""Deliveries over time: whatever came, changed and went in which order, killed or not, the tables are those of one
full build of the same folder.

HYPOTHESIS_PROFILE=soak tries many more plans than `make test`.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ops.project import QUIET, ROOT

COMMON = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck), "print_blob": True}
settings.register_profile("short", max_examples=12, derandomize=True, **COMMON)
settings.register_profile("soak", max_examples=100, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))
IS_SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"

CLOCKS = {"loaded_at", "built_at", "run_id", "_run"}
REQUIRED = ("customers", "orders", "order_lines")
DAYS = ("", "dt=2026-03-02/", "dt=2026-03-04/", "dt=2026-03-06/")
OPEN_QUOTE, NO_BYTES = "open quote", "no bytes"


# What is delivered: rows of a few keys, so that nearly every row meets another of its key.


@dataclass(frozen=True)
class Row:
    """`version` shows in the row's values; as a line's or review's it also says which order it is of."""

    key: int
    version: int
    fault: str = ""  # bad: a value at fault; ragged: one field too many

    def cells(self, table: str) -> dict[str, str]:
        bad, version, at = self.fault == "bad", self.version, "2026-03-01T10:00:00Z"
        order = "o9" if version == 5 else f"o{version % 4}"  # o9 is never delivered
        return {
            "customers": {"customer_id": f"c{self.key}", "created_at": "once" if bad else at, "city": f"city {version}",
                          "email": f"m{version}@example.org"},
            "orders": {"order_id": f"o{self.key}", "customer_id": f"c{version % 4}", "ordered_at": at, "paid_at": at,
                       "currency": "euro" if bad else "EUR", "region": str(version),
                       "is_test": str(version == 3).lower()},
            "order_lines": {"order_line_id": f"l{self.key}", "order_id": order, "seller_id": "s1", "product_id": "p1",
                            "quantity": "0" if bad else str(version + 1), "unit_price": "9.99"},
            "reviews": {"review_id": f"v{self.key}", "order_id": order, "rating": "9" if bad else str(version % 5 + 1),
                        "created_at": at, "comment": f"one\ntwo {version}"},
            # of few visitors, 20 minutes or days apart, with a session id or none, some of an order that may be a test
            "events": {"event_id": f"e{self.key}",
                       "occurred_at": f"2026-03-0{1 + version % 3}T1{version // 3}:{20 * (self.key % 3):02}:00Z",
                       "event_name": "leap" if bad else ("page_view", "feature_use")[version % 2],
                       "visitor_id": f"w{(self.key + version) % 3}", "session_id": f"s{version}" if version > 3 else "",
                       "order_id": f"o{self.key}" if version == 2 else "", "feature": "f0",
                       "source": f"source {version}", "page_type": str(version)},
            "features": {"feature": f"f{self.key % 2}", "released_at": f"2026-03-0{1 + version % 4}T00:00:00Z"},
            "exchange_rates": {"rate_date": f"2026-03-0{self.key + 1}", "currency": "USD",
                               "rate_to_eur": "0" if bad else f"1.{version}"},
        }[table]


TABLES = ("customers", "orders", "order_lines", "reviews", "events", "exchange_rates")
OF_VISITORS = ("orders", "events", "events", "events", "features")


def content(name: str, rows: tuple[Row, ...] | str) -> bytes:
    """The bytes of a file: CSV, or Parquet with times and whole numbers of their own types."""
    if rows == NO_BYTES:
        return b""
    table = name.split("/")[0].split(".")[0]
    names = list(Row(0, 0).cells(table))
    lines = [row.cells(table) for row in (() if rows == OPEN_QUOTE else rows)]
    if name.endswith(".parquet") and rows != OPEN_QUOTE:
        columns = {}
        for column in names:
            texts = pa.array([line[column] for line in lines], pa.string())
            if column in ("quantity", "rating"):
                columns[column] = texts.cast(pa.int64())
            elif column in ("occurred_at", "ordered_at", "released_at"):
                columns[column] = texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
            else:
                columns[column] = texts
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns), sink)
        return sink.getvalue().to_pybytes()
    text = ",".join(names) + "\n"
    for row, line in zip(rows, lines, strict=False):
        text += ",".join(f'"{cell}"' if "\n" in cell else cell for cell in line.values())
        text += ",more\n" if row.fault == "ragged" else "\n"
    return (text + ('"never closed,\n' if rows == OPEN_QUOTE else "")).encode()


# What happens.


@dataclass(frozen=True)
class Deliver:
    """A file comes, or comes again with other content under the same name."""

    name: str
    rows: tuple[Row, ...] | str


@dataclass(frozen=True)
class Withdraw:
    name: str


@dataclass(frozen=True)
class Redeliver:
    """A withdrawn file comes back as it was."""

    name: str


@dataclass(frozen=True)
class Land:
    kill_at: int | None = None


@dataclass(frozen=True)
class Build:
    """Land, then dbt; killed before its n-th statement."""

    kill_at: int | None = None
    settings: tuple[tuple[str, str], ...] = ()


@st.composite
def names(draw, tables=TABLES) -> str:
    table = draw(st.sampled_from(tables))
    if table in REQUIRED and draw(st.integers(0, 4)) == 0:
        return f"{table}.csv"  # the one that is always there, see Over.start
    day = draw(st.sampled_from(DAYS))
    ending = draw(st.sampled_from(("csv", "parquet")))
    return f"{table}/{day}part-{draw(st.integers(0, 1))}.{ending}"


ROWS = st.lists(
    st.builds(Row, st.integers(0, 3), st.integers(0, 5), st.sampled_from(("", "", "", "bad", "ragged"))), max_size=5
).map(tuple)


@st.composite
def deliveries(draw, known: list[str], tables) -> Deliver:
    """Often of a name that was delivered before."""
    name = draw(st.sampled_from(known)) if known and draw(st.booleans()) else draw(names(tables))
    odd = [NO_BYTES] if name.endswith(".parquet") else [NO_BYTES, OPEN_QUOTE]
    if name in (f"{table}.csv" for table in REQUIRED):
        odd = odd[1:]
    rows = draw(st.sampled_from(odd)) if odd and draw(st.integers(0, 7)) == 7 else draw(ROWS)
    return Deliver(name, rows)


# The last day that counts goes forth and back; the days are cut elsewhere.
SETTINGS = st.sampled_from(
    ((), (("AS_OF", "2026-03-01"),), (("AS_OF", "2026-03-02"),), (("BUSINESS_TIMEZONE", "Pacific/Auckland"),))
)


@st.composite
def plans(draw, tables=TABLES, rounds=4) -> list:
    plan, there, gone = [], [], []
    for _ in range(draw(st.integers(1, rounds))):
        for _ in range(draw(st.integers(1, 5))):
            removable = [name for name in there if "/" in name]
            kind = draw(st.sampled_from(("deliver", "deliver", "deliver", "withdraw", "redeliver")))
            if kind == "withdraw" and removable:
                name = draw(st.sampled_from(removable))
                plan.append(Withdraw(name))
                there.remove(name)
                gone.append(name)
            elif kind == "redeliver" and gone:
                name = draw(st.sampled_from(gone))
                plan.append(Redeliver(name))
                gone.remove(name)
                there.append(name)
            else:
                plan.append(draw(deliveries(there, tables)))
                name = plan[-1].name
                there += [name] if name not in there else []
                gone = [other for other in gone if other != name]
        step = draw(st.sampled_from(("build", "build", "kill build", "land", "kill land", "")))
        if step:
            kill_at = draw(st.integers(0, 160 if "build" in step else 60)) if step.startswith("kill") else None
            plan.append(Build(kill_at, draw(SETTINGS)) if "build" in step else Land(kill_at))
    return plan


# Where it happens.


class Over:
    """A folder of extracts with a landing and a warehouse that live on, and what one full build makes of it."""

    # What the tables that plans touch are made of; the others stay as the template holds them.
    MODELS = (*(f"base_{table}" for table in TABLES), "stg_events", "load_audit", "rejected_rows")
    # What is kept visitor by visitor, with all it comes from.
    VISITORS = (
        *(f"base_{table}" for table in sorted(set(OF_VISITORS))), "stg_events",
        "int_span", "int_derived_sessions", "int_sessions", "int_feature_uses",
    )

    def __init__(self, folder: Path):
        self.folder, self.extracts, self.landing = folder, folder / "extracts", folder / "landing"
        self.database, self.gone = folder / "live" / "warehouse.duckdb", folder / "gone"
        self.log, self.clock = folder / "log.txt", 0
        for path in (folder / "live", folder / "full", folder / "template", folder / "logs"):
            path.mkdir(parents=True)
        environment = {
            "PATH": os.environ["PATH"], **QUIET, "WAREHOUSE_DB": str(self.database), "LANDING_DIR": str(self.landing),
            "DBT_TARGET_PATH": str(folder / "target"), "DBT_LOG_PATH": str(folder / "logs"), "PII_KEY": "for tests",
        }
        self.runner = subprocess.Popen(
            [sys.executable, "-m", "tests.python.load.runner"], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(folder / "runner.txt").open("w"),
        )
        self.start()
        self.deliver("orders/paid.csv", (Row(9, 1),))  # a build needs one to know its days
        self.land()
        self.dbt(
            *EVERYTHING, "--select", "staging", "load_audit", "rejected_rows", "channel_rules", "int_events",
            *self.VISITORS, database=folder / "template",
        )
        self.template = folder / "template" / "warehouse.duckdb"

    def start(self) -> None:
        """Back to a folder with nothing but headers, nothing landed or built."""
        for path in (self.extracts, self.gone, self.landing):
            shutil.rmtree(path, ignore_errors=True)
        self.gone.mkdir()
        for path in (self.folder / "live", self.folder / "full"):
            for file in path.iterdir():
                file.unlink()
        self.clock = 0
        for table in REQUIRED:
            self.deliver(f"{table}.csv", ())
        self.write("sellers.csv", b"seller_id\ns1\n")
        self.write("products.csv", b"product_id\np1\n")

    def start_from_template(self, models=MODELS) -> None:
        self.start()
        self.models = models
        shutil.copy(self.template, self.database)

    def compare_with_full(self) -> int:
        """Holds the living warehouse against one full build of the same models, on the same template."""
        shutil.copy(self.template, self.folder / "full" / "warehouse.duckdb")
        return self.compare(self.full("run", "--full-refresh", "--select", *self.models))

    def deliver(self, name: str, rows: tuple[Row, ...] | str) -> None:
        self.write(name, content(name, rows))

    def write(self, name: str, text: bytes) -> None:
        path = self.extracts / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        self.clock += 1  # one nanosecond is enough of a change
        at = 1_774_000_000_000_000_000 + self.clock  # 2026-03-20
        os.utime(path, ns=(at, at))

    def do(self, step) -> None:
        match step:
            case Deliver(name, rows):
                self.deliver(name, rows)
            case Withdraw(name):
                (self.extracts / name).rename(self.gone / name.replace("/", "|"))
            case Redeliver(name):
                (self.gone / name.replace("/", "|")).rename(self.extracts / name)
            case Land(kill_at):
                self.land(**({} if kill_at is None else {"kill_at": kill_at}))
            case Build(kill_at, environment):
                self.land()
                self.dbt("run", "--select", *self.models, kill_at=kill_at, environment=dict(environment))

    def land(self, connector: str = "native", **kill) -> list[str]:
        """Lands; returns the files read, nothing when it may have been killed."""
        folders = {"extracts": str(self.extracts), "landing": str(self.landing), "connector": connector}
        self.run({"land": folders}, **kill)
        return [] if kill else self.log.read_text().splitlines()[-1].split()[1:]

    def dbt(self, *arguments: str, database: Path | None = None, may_end=(0,), environment=None, **kill) -> str:
        """Runs dbt, on the living warehouse or the one in another folder; returns its output with every statement."""
        warehouse = (database / "warehouse.duckdb") if database else self.database
        request = {"dbt": arguments, "environment": {"WAREHOUSE_DB": str(warehouse), **(environment or {})}}
        self.run(request, may_end=may_end, **kill)
        return self.log.read_text(errors="replace")

    def run(self, request: dict, kill_at: int | None = None, kill_after: float | None = None, may_end=(0,)) -> int:
        asked = {**request, "kill_at": kill_at, "kill_after": kill_after, "log": str(self.log)}
        self.runner.stdin.write(json.dumps(asked) + "\n")
        self.runner.stdin.flush()
        code = int(self.runner.stdout.readline())
        killed = () if kill_at is kill_after is None else (-signal.SIGKILL,)
        assert code in (*may_end, *killed), f"exit code {code}\n{self.log.read_text(errors='replace')[-6000:]}"
        return code

    def landed_files_in(self, output: str) -> set[str]:
        """Landed files of tables that statements name; `_none.parquet` gives an absent table its columns."""
        found = re.findall(rf"{re.escape(str(self.landing))}/\w+/[^'*]+[.]parquet", output)
        return {path for path in found if not path.endswith("_none.parquet")}

    def full(self, *arguments: str) -> Path:
        """One full build of the folder as it is now, in a landing and a warehouse of its own."""
        kept, full = self.landing.with_name("kept"), self.folder / "full"
        self.landing.rename(kept)
        try:
            self.land()
            self.dbt(*arguments, database=full)
        finally:
            shutil.rmtree(self.landing)
            kept.rename(self.landing)
        return full / "warehouse.duckdb"

    def compare(self, full: Path) -> int:
        """Returns how many tables are equal: all."""
        ours, theirs = tables_of(self.database), tables_of(full)
        assert ours.keys() == theirs.keys()
        for name, rows in ours.items():
            assert rows == theirs[name], name
        return len(ours)

    def close(self) -> None:
        self.runner.stdin.close()
        self.runner.wait()


def tables_of(database: Path) -> dict[str, list]:
    """Every row of every table and view as text, clock times left out."""
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(
            "select table_schema, table_name, list(column_name order by ordinal_position)"
            " from information_schema.columns group by all order by all"
        ).fetchall()
        tables = {}
        for schema, name, columns in found:
            shown = ", ".join(f'"{column}"' for column in columns if column not in CLOCKS)
            tables[f"{schema}.{name}"] = connection.execute(
                f'select cast(row({shown}) as varchar) from {schema}."{name}" order by 1'
            ).fetchall()
    return tables


@pytest.fixture(scope="module")
def over(tmp_path_factory):
    over = Over(tmp_path_factory.mktemp("over"))
    yield over
    over.close()


E0 = (Row(0, 0),)
E1 = (Row(0, 1), Row(1, 1))


@given(plan=plans())
@example(plan=[  # a CSV row gives way to a linked Parquet row, which is then withdrawn
    Deliver("events/part-0.csv", E0), Deliver("events/dt=2026-03-02/part-0.parquet", E1), Build(),
    Withdraw("events/dt=2026-03-02/part-0.parquet"),
])
@example(plan=[  # and the other way round, with a correction that leaves the row out
    Deliver("events/part-0.parquet", E0), Deliver("events/dt=2026-03-02/part-0.csv", E1), Build(),
    Deliver("events/dt=2026-03-02/part-0.csv", E1[1:]),
])
def test_staging_is_that_of_one_full_build(over, plan):
    over.start_from_template()
    for step in plan:
        over.do(step)
    over.do(Build())
    over.compare_with_full()


@settings(max_examples=100 if IS_SOAK else 6)
@given(plan=plans(OF_VISITORS))
@example(plan=[  # a file goes, and with it all that a visitor did
    Deliver("events/part-0.csv", (Row(0, 0), Row(1, 1))), Build(), Deliver("events/part-1.csv", (Row(2, 4),)),
    Withdraw("events/part-0.csv"),
])
@example(plan=[  # by later deliveries an event has other values and one is another visitor's, until that is withdrawn
    Deliver("events/part-0.csv", (Row(0, 0), Row(1, 0))), Build(),
    Deliver("events/dt=2026-03-02/part-0.parquet", (Row(0, 3),)),
    Deliver("events/dt=2026-03-02/part-1.parquet", (Row(1, 1),)), Build(),
    Withdraw("events/dt=2026-03-02/part-1.parquet"),
])
@example(plan=[  # an order becomes a test order, and its event is left out; then no more
    Deliver("orders/part-0.csv", (Row(0, 1),)), Deliver("events/part-0.parquet", (Row(0, 2), Row(1, 2))), Build(),
    Deliver("orders/part-0.csv", (Row(0, 3),)), Build(), Deliver("orders/part-0.csv", (Row(0, 2),)),
])
@example(plan=[  # the last day that counts goes back, the days are cut elsewhere, a feature is released later
    Deliver("features/part-0.csv", (Row(0, 0),)), Deliver("events/part-0.parquet", (Row(0, 1), Row(1, 3), Row(2, 5))),
    Build(), Build(settings=(("AS_OF", "2026-03-01"),)), Build(settings=(("BUSINESS_TIMEZONE", "Pacific/Auckland"),)),
    Deliver("features/part-0.csv", (Row(0, 1),)),
])
def test_what_is_kept_by_visitor_is_that_of_one_full_build(over, plan):
    over.start_from_template(over.VISITORS)
    over.deliver("orders/paid.csv", (Row(9, 1),))
    for step in plan:
        over.do(step)
    over.do(Build())
    over.compare_with_full()


def test_values_that_change_places_are_a_change(over):
    """Each is there as often as before, in the last column of an event: a sum of simple hashes would be the same."""
    over.start_from_template(over.VISITORS)
    over.deliver("orders/paid.csv", (Row(9, 1),))
    for regions in ("AB", "BA"):
        lines = [f"e{at},2026-03-01T1{at}:00:00Z,page_view,w1,{region}\n" for at, region in enumerate(regions)]
        over.write("events.csv", "".join(["event_id,occurred_at,event_name,visitor_id,region\n", *lines]).encode())
        over.do(Build())
        found = query(over.database, "select string_agg(region, '' order by started_at) from intermediate.int_sessions")
        assert found == [(regions,)]


def test_other_rules_or_code_make_every_row_anew(over):
    over.start_from_template(over.VISITORS)
    over.deliver("orders/paid.csv", (Row(9, 1),))
    over.deliver("events.csv", (Row(0, 0), Row(1, 1)))
    over.deliver("features.csv", (Row(0, 0),))
    over.do(Build())
    channels = "select distinct channel from intermediate.int_sessions"
    assert query(over.database, channels) == [("other",)]
    with duckdb.connect(str(over.database)) as connection:
        connection.execute(
            "update reference.channel_rules set channel = 'news', source_pattern = 'source .*', medium_pattern = '';"
            # as of a version that kept nothing
            "alter table intermediate.int_sessions drop column made_of;"
            "comment on table intermediate.int_sessions is null"
        )
    over.do(Build())
    assert query(over.database, channels) == [("news",)]
    assert query(over.database, "select count(*), count(made_of) from intermediate.int_sessions") == [(2, 2)]


EVERYTHING = ("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(10 if IS_SOAK else 1))
def test_all_published_tables_are_those_of_one_full_build(over, number, tmp_path):
    """A marketplace with every feature and dirt: deliveries in any order, corrected and withdrawn, land and dbt killed
    at random moments."""
    seed = int(os.environ.get("PLAN_SEED", random.randrange(2**32)))
    print(f"again with PLAN_SEED={seed}")
    chance = random.Random(seed)
    over.start()
    shutil.rmtree(over.extracts)
    simulate = [sys.executable, "-m", "ops.simulate", "--out", str(tmp_path / "all"), "--daily", "--dirt"]
    subprocess.run(
        [*simulate, "--orders", "40", "--days", "12", "--seed", str(seed % 99)],
        cwd=ROOT, check=True, capture_output=True,
    )
    names = sorted(str(path.relative_to(tmp_path / "all")) for path in (tmp_path / "all").rglob("*.csv"))
    needed = {table: next(name for name in names if name.startswith(f"{table}/")) for table in
              ("customers", "sellers", "products", "orders", "order_lines", "exchange_rates")}
    others = [name for name in names if name not in needed.values()]
    chance.shuffle(others)
    early = chance.randrange(len(others))

    def deliver(names):
        for name in names:
            over.write(name, (tmp_path / "all" / name).read_bytes())

    deliver([*needed.values(), *others[:early]])
    over.land(kill_after=chance.uniform(0, 1))
    over.land()
    # A folder that is not complete yet may well be refused.
    over.dbt(*EVERYTHING, kill_after=chance.uniform(1, 12), may_end=(0, 1))
    deliver(others[early:])
    for name in chance.sample(others, 3):
        lines = (over.extracts / name).read_text().splitlines(keepends=True)
        over.write(name, "".join(lines[:1] + lines[2:]).encode())
    for name in chance.sample(others, 2):
        (over.extracts / name).unlink()
    over.land(kill_after=chance.uniform(0, 1))
    over.land()
    over.dbt(*EVERYTHING, kill_after=chance.uniform(1, 12), may_end=(0, 1))
    over.land()
    over.dbt(*EVERYTHING)
    assert over.compare(over.full(*EVERYTHING)) > 100


def test_only_new_files_are_read(over):
    over.start_from_template()
    for day in range(1, 8):
        for table in ("orders", "order_lines", "reviews"):
            over.deliver(f"{table}/dt=2026-03-{day:02}/part.csv", (Row(day % 4, day), Row(day % 3, 0, "bad")))
    over.do(Build())
    over.deliver("orders/dt=2026-03-08/part.csv", (Row(1, 1),))
    over.deliver("reviews/dt=2026-03-03/part.csv", (Row(2, 2),))  # corrected in place
    (over.extracts / "order_lines/dt=2026-03-02/part.csv").unlink()
    assert over.land() == ["orders/dt=2026-03-08/part.csv", "reviews/dt=2026-03-03/part.csv"]
    newest = sorted(over.landing.glob("*/[!_]*.parquet"), key=lambda path: path.lstat().st_mtime_ns)[-2:]
    assert over.landed_files_in(over.dbt("run", "--select", *over.MODELS)) == {str(path) for path in newest}
    assert over.land() == []
    assert over.landed_files_in(over.dbt("run", "--select", *over.MODELS)) == set()


def test_changed_contract_asks_for_a_full_refresh(over):
    over.start_from_template()
    over.deliver("orders.csv", (Row(1, 1),))
    over.do(Build())
    with duckdb.connect(str(over.database)) as connection:
        connection.execute("update staging.base_orders set _contract = 'of before'")
        # A table without a row needs none, whatever columns it had.
        connection.execute("drop view staging.stg_reviews; alter table staging.base_reviews drop column comment")
        connection.execute("alter table staging.base_reviews alter rating type varchar")
    over.deliver("reviews.csv", (Row(1, 1),))
    over.land()
    said = over.dbt("run", "--select", "base_orders", "base_reviews", "stg_reviews", may_end=(1,))
    assert "The contract of orders (or PII_KEY) changed since its rows were loaded" in said
    assert "dbt build --full-refresh" in said
    assert query(over.database, "select rating, comment from staging.stg_reviews") == [(2, "one\ntwo 1")]
    over.dbt("run", "--full-refresh", "--select", "base_orders")
    renewed = "select count(*), min(_contract) <> 'of before' from staging.base_orders"
    assert query(over.database, renewed) == [(1, True)]


def test_another_folder_takes_the_place_of_the_first(over, tmp_path):
    """Even when its files have the same names, sizes and times."""
    over.start_from_template()
    over.deliver("orders.csv", (Row(1, 1), Row(2, 1)))
    over.deliver("events/part-0.parquet", (Row(1, 1),))
    over.do(Build())
    mine, over.extracts = over.extracts, tmp_path / "other"
    try:
        shutil.copytree(mine, over.extracts)
        was = (mine / "orders.csv").stat()
        over.deliver("orders.csv", (Row(1, 1), Row(3, 2)))
        os.utime(over.extracts / "orders.csv", ns=(was.st_mtime_ns, was.st_mtime_ns))
        assert (over.extracts / "orders.csv").stat().st_size == was.st_size
        over.do(Build())
        assert query(over.database, "select order_id from staging.stg_orders order by 1") == [("o1",), ("o3",)]
        over.compare_with_full()
    finally:
        over.extracts = mine


def test_dbt_says_what_the_landing_lacks(over):
    over.start_from_template()
    over.do(Build())
    over.deliver("orders/dt=2026-03-02/part.csv", (Row(1, 1),))
    over.clock += 10**9
    over.deliver("orders.csv", ())  # another second, the same size
    over.write("orders/country=DE/part.csv", b"nobody reads this\n")
    said = over.dbt("run", "--select", "base_orders")
    assert f"2 files of {over.extracts} were not landed yet and do not count: orders.csv, orders/dt=2026-03-02" in said
    over.land()
    assert "not landed" not in over.dbt("run", "--select", "base_orders")

    said = over.dbt("run", "--select", "base_orders", environment={"CONNECTOR": "olist"}, may_end=(1,))
    assert "holds extracts landed for the connector native, not olist: run `make land CONNECTOR=olist`" in said
    shutil.rmtree(over.extracts)  # dbt reads the landing alone
    assert "not landed" not in over.dbt("run", "--select", "base_orders")
    shutil.rmtree(over.landing)
    said = over.dbt("run", "--select", "base_orders", may_end=(1,))
    assert f"Nothing was landed in {over.landing} yet: run `make land` (or `make build`) first." in said


def query(database: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()
