"""The simulator: same settings same bytes, the contract's shape, daily deliveries that add up to the whole."""

import csv
import gzip
import io
import json
import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ops.simulate.__main__ import main
from ops.simulate.build import Simulation, write_extracts
from ops.simulate.contract import TABLES
from ops.simulate.dirt import SPOILT
from ops.simulate.settings import SAMPLE, Settings

ROOT = Path(__file__).parents[3]
SAMPLE_FOLDER = ROOT / "extracts" / "sample"
SMALL = Settings(orders=400, days=200, end=date(2026, 4, 10), seed=1)

WRITTEN = {
    "int": re.compile(r"-?\d+"),
    "money": re.compile(r"-?\d+\.\d{2,4}"),
    "rate": re.compile(r"\d+\.\d+"),
    "bool": re.compile(r"true|false"),
    "ts": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "text": re.compile(r"(?s).+"),
}
REFERENCES = [
    (name, column, target)
    for column, target in {
        "customer_id": "customers",
        "seller_id": "sellers",
        "product_id": "products",
        "offer_id": "offers",
        "order_id": "orders",
        "order_line_id": "order_lines",
    }.items()
    for name, table in TABLES.items()
    if column in table.columns and name != target
]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def read_csv_rows(path: Path) -> list[dict[str, str]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def plain_rows(path: Path) -> list[list[str]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("whole")
    return out, write_extracts(SMALL, out)


def read_tables(out: Path) -> dict[str, list[dict[str, str]]]:
    return {
        name: [
            row
            for path in sorted([*out.glob(f"{name}.csv"), *out.glob(f"{name}/*.csv")])
            for row in read_csv_rows(path)
        ]
        for name in TABLES
    }


def assert_contract(name: str, rows: list[dict[str, str]]) -> None:
    table = TABLES[name]
    assert list(rows[0]) == list(table.columns)
    for row in rows:
        for column in table.columns.values():
            value = row[column.name]
            assert value or not column.required, f"{name}.{column.name} is empty in {row}"
            assert not value or WRITTEN[column.type].fullmatch(value), f"{name}.{column.name}: {value!r}"
            if value and column.name in table.enums:
                assert value in table.enums[column.name], f"{name}.{column.name}: {value!r}"
    keys = [tuple(row[column] for column in table.key) for row in rows]
    assert len(set(keys)) == len(keys)


def assert_references(tables: dict[str, list[dict[str, str]]], name: str, column: str, target: str) -> None:
    known = {row[TABLES[target].key[0]] for row in tables[target]}
    used = {row[column] for row in tables[name]} - {""}
    assert used <= known, f"{name}.{column}: {sorted(used - known)[:5]}"


@pytest.fixture(scope="module")
def tables(whole) -> dict[str, list[dict[str, str]]]:
    return read_tables(whole[0])


def test_same_settings_same_bytes(whole, tmp_path):
    out, _ = whole
    write_extracts(SMALL, tmp_path)
    assert files_of(tmp_path) == files_of(out)


def test_another_seed_is_another_marketplace(whole, tmp_path):
    _, truth = whole
    other = write_extracts(SMALL.with_changes(seed=2), tmp_path)
    assert other["reporting_currency"] != truth["reporting_currency"]
    assert other["business_timezone"] != truth["business_timezone"]
    assert set(other["countries"]) != set(truth["countries"])


def test_every_table_is_written_and_counted(whole, tables):
    _, truth = whole
    assert truth["rows"] == {name: len(rows) for name, rows in tables.items()}
    assert truth["rows"]["orders"] == SMALL.orders
    assert all(truth["rows"].values())


def test_one_table_alone_is_the_same_table(whole, tmp_path):
    out, _ = whole
    write_extracts(SMALL.with_changes(tables=("refunds", "events")), tmp_path)
    expected = files_of(out)
    found = files_of(tmp_path)
    assert {name.split("/")[0].split(".")[0] for name in found} == {"refunds", "events", "truth"}
    assert all(found[name] == expected[name] for name in found if name != "truth.json")


@pytest.mark.parametrize("name", TABLES)
def test_rows_obey_the_contract(name, tables):
    assert_contract(name, tables[name])


@pytest.mark.parametrize(("name", "column", "target"), REFERENCES)
def test_references_are_found(name, column, target, tables):
    assert_references(tables, name, column, target)


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_other_marketplaces_obey_the_contract(seed, tmp_path):
    write_extracts(SMALL.with_changes(seed=seed, orders=150), tmp_path)
    tables = read_tables(tmp_path)
    for name in TABLES:
        assert_contract(name, tables[name])
    for reference in REFERENCES:
        assert_references(tables, *reference)


@pytest.mark.parametrize("name", TABLES)
def test_nothing_happens_after_the_last_day(name, tables):
    last = f"{SMALL.end.isoformat()}T23:59:59Z"
    for column in TABLES[name].instants:
        assert max((row[column] for row in tables[name]), default="") <= last


def test_amounts_and_order_of_things(tables):
    for line in tables["order_lines"]:
        gross = int(line["quantity"]) * float(line["unit_price"])
        assert 0 <= float(line["seller_discount"] or 0) <= gross + 1e-9
        assert not (line["accepted_at"] and line["refused_at"])
        assert bool(line["cancelled_at"]) == bool(line["cancelled_by"])
        assert not line["shipped_at"] or line["accepted_at"]
    orders = {row["order_id"]: row for row in tables["orders"]}
    customers = {row["customer_id"]: row for row in tables["customers"]}
    for order in orders.values():
        assert customers[order["customer_id"]]["created_at"] <= order["ordered_at"]
        assert not order["paid_at"] or order["paid_at"] >= order["ordered_at"]
    line_order = {row["order_line_id"]: row["order_id"] for row in tables["order_lines"]}
    assert set(line_order.values()) == set(orders)
    assert all(row["currency"] == orders[line_order[row["order_line_id"]]]["currency"] for row in tables["refunds"])


def test_every_amount_finds_a_rate(whole, tables):
    _, truth = whole
    known = {(row["rate_date"], row["currency"]) for row in tables["exchange_rates"]}
    days = {day for day, _ in known}
    needed = {
        row["currency"] for name, table in TABLES.items() if "currency" in table.columns for row in tables[name]
    } - {"", "EUR"}
    assert needed
    assert {(day, currency) for day in days for currency in needed} <= known
    assert min(days) < truth["first_day"]
    assert max(days) == truth["last_day"]


@pytest.mark.parametrize(
    ("fmt", "how"), [("csv", {"daily": True}), ("parquet", {"daily": True}), ("csv", {"last_days": 2})])
def test_latest_daily_rows_are_the_whole_extract(fmt, how, tmp_path):
    settings = SMALL.with_changes(fmt=fmt, **how)
    write_extracts(settings, tmp_path)
    days = {path.name for path in tmp_path.glob("*/dt=*")}
    assert (len(days) == 2) == ("last_days" in how)
    simulation = Simulation(SMALL)
    for name, table in TABLES.items():
        expected = pl.concat(simulation.table(name)).sort(table.key)
        parts = []
        whole = [*tmp_path.glob(f"{name}.{fmt}"), *(tmp_path / name).glob(f"part-*.{fmt}")]
        assert bool(whole) == ("last_days" in how)
        for path in [*whole, *sorted((tmp_path / name).glob("dt=*/*"))]:
            assert path in whole or path.name == f"part-0.{fmt}"
            part = (
                pl.read_parquet(path)
                if fmt == "parquet"
                else pl.read_csv(path, schema_overrides=dict.fromkeys(table.columns, pl.String))
            )
            dt = path.parent.name.removeprefix("dt=")
            too_late = min(days).removeprefix("dt=") if path in whole else f"{dt}T24"
            for column in table.instants:
                assert part.filter(pl.col(column).cast(pl.String) >= too_late).is_empty(), f"{path}: {column}"
            parts.append(part)
        latest = pl.concat(parts).unique(table.key, keep="last", maintain_order=True).sort(table.key)
        if fmt == "csv":
            text = expected.write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ").encode()
            expected = pl.read_csv(text, schema_overrides=dict.fromkeys(table.columns, pl.String))
        assert latest.equals(expected), name


def test_changed_rows_are_delivered_again(tmp_path):
    write_extracts(SMALL.with_changes(daily=True, tables=("order_lines",)), tmp_path)
    versions: dict[str, list[dict]] = {}
    for path in sorted((tmp_path / "order_lines").glob("dt=*/*")):
        for row in read_csv_rows(path):
            versions.setdefault(row["order_line_id"], []).append(row)
    shipped_later = [v for v in versions.values() if not v[0]["shipped_at"] and v[-1]["shipped_at"]]
    assert len(shipped_later) > SMALL.orders / 2
    assert all(not row["tracking_valid"] for v in shipped_later for row in v if not row["shipped_at"])


@pytest.mark.parametrize(("orders", "days", "seed"), [(1, 1, 0), (5, 3, 2), (60, 45, 3)])
@pytest.mark.parametrize("daily", [False, True])
def test_small_marketplaces(orders, days, seed, daily, tmp_path):
    settings = Settings(orders=orders, days=days, seed=seed, daily=daily)
    truth = write_extracts(settings, tmp_path)
    assert truth["rows"]["orders"] >= orders
    assert {path.name.split(".")[0] for path in tmp_path.iterdir()} == {*TABLES, "truth"}


def test_business_days_are_exactly_those_asked_for(tmp_path):
    settings = Settings(orders=3000, days=40, end=date(2026, 4, 5), seed=1, timezone="Asia/Tokyo", tables=("orders",))
    truth = write_extracts(settings, tmp_path)
    ordered = pl.Series([row["ordered_at"] for row in read_csv_rows(tmp_path / "orders.csv")]).str.to_datetime(
        "%Y-%m-%dT%H:%M:%SZ", time_zone="UTC"
    )
    days = ordered.dt.convert_time_zone("Asia/Tokyo").dt.date()
    (outage,) = (day["date"] for day in truth["anomalous_days"] if day["kind"] == "outage")
    every = {settings.end - timedelta(days=number) for number in range(40)}
    assert every - set(days) == {date.fromisoformat(outage)}
    assert days.max() == settings.end


@pytest.mark.parametrize("daily", [False, True])
@pytest.mark.parametrize("fmt", ["csv", "csv.gz"])
def test_dirt_is_one_more_delivery_and_written_down(fmt, daily, tmp_path):
    clean, dirty = tmp_path / "clean", tmp_path / "dirty"
    settings = SMALL.with_changes(fmt=fmt, daily=daily)
    write_extracts(settings, clean)
    truth = write_extracts(settings.with_changes(dirt=True), dirty)
    before, after = files_of(clean), files_of(dirty)
    assert {name: content for name, content in after.items() if name in before} | {"truth.json": b""} == before | {
        "truth.json": b""
    }
    told = truth["bad_rows"]
    assert {row["outcome"] for row in told} == {"rejected", "waiting", "superseded"}
    last = f"dt={SMALL.end + timedelta(days=1)}"
    assert set(after) - set(before) == {f"{name}/{last}/part-0.{fmt}" for name in SPOILT}
    for name in SPOILT:
        counts = truth["planted_rows"][name]
        assert counts == {
            outcome: sum((row["table"], row["outcome"]) == (name, outcome) for row in told) for outcome in counts
        }
        rows = plain_rows(dirty / name / last / f"part-0.{fmt}")
        header, keys = rows[0], [row[0] for row in rows[1:]]
        assert len(keys) == len(set(keys)) == sum(counts.values())
        delivered = {
            row[0]: row
            for path in sorted(clean.rglob(f"{name}*/**/*.csv*")) or [clean / f"{name}.{fmt}"]
            for row in plain_rows(path)
        }
        for row, outcome in zip(rows[1:], (row["outcome"] for row in told if row["table"] == name), strict=True):
            known = delivered.get(row[0])
            whole = len(row) == len(header)
            assert (known is not None) == (outcome == "superseded" or not whole)
            assert not whole or known is None or sum(a != b for a, b in zip(row, known, strict=True)) <= 1


def test_too_few_rows_are_not_corrected_twice(tmp_path):
    truth = write_extracts(Settings(orders=1, days=3, dirt=True), tmp_path)
    for name, counts in truth["planted_rows"].items():
        rows = plain_rows(tmp_path / f"{name}.csv")[1:]
        assert counts["superseded"] <= len(rows)
    assert truth["planted_rows"]["orders"] == {"rejected": 7, "waiting": 0, "superseded": 0}


def test_dirt_needs_text_for_what_it_spoils():
    with pytest.raises(ValueError, match="csv"):
        SMALL.with_changes(dirt=True, fmt="parquet")
    with pytest.raises(ValueError, match="csv"):
        SMALL.with_changes(dirt=True, formats=(("orders", "parquet"),))
    assert SMALL.with_changes(dirt=True, formats=(("events", "parquet"),)).dirt
    assert SMALL.with_changes(dirt=True, fmt="parquet", tables=("events", "ad_spend")).dirt


def test_the_default_marketplace_has_plausible_sessions(tmp_path):
    """About eleven events per order and a conversion of 1 to 4 %; `--session-conversion` moves it."""
    settings = Settings(orders=3000, days=730, fmt="parquet", tables=("events",))
    converted = {}
    for conversion in (settings.session_conversion, 0.2):
        out = tmp_path / str(conversion)
        truth = write_extracts(settings.with_changes(session_conversion=conversion), out)
        events = pl.read_parquet(out / "events").filter(~pl.col("is_bot").fill_null(value=False))
        sessions = (
            events.drop_nulls("session_id")
            .group_by("visitor_id", "session_id")
            .agg(bought=(pl.col("event_name").cast(pl.String) == "purchase").any())
        )
        converted[conversion] = sessions["bought"].mean()
        if conversion == settings.session_conversion:
            assert truth["rows"]["events"] / settings.orders == pytest.approx(11, abs=0.7)
    assert converted[settings.session_conversion] == pytest.approx(settings.session_conversion, rel=0.3)
    assert converted[0.2] == pytest.approx(0.2, rel=0.2)


@pytest.mark.parametrize("days", [12, 45, 100, 400])
def test_targets_of_every_span(days, tmp_path):
    """Fifteen KPIs have a target from the beginning on; where the span is long enough each is re-set once."""
    truth = write_extracts(Settings(orders=50, days=days, seed=1, tables=("kpi_targets",)), tmp_path)
    rows = read_csv_rows(tmp_path / "kpi_targets.csv")
    first = [row for row in rows if row["valid_from"] <= truth["first_day"]]
    assert {row["kpi_id"] for row in first} == set(truth["targets"]["kpis"])
    assert len(truth["targets"]["kpis"]) == 15
    again = [row for row in rows if row["reason"] != "Opening plan"]
    assert {row["valid_from"] for row in again} == {truth["targets"]["re_set_on"]} - {None}


def test_a_plain_market_has_nothing_planted(tmp_path):
    """Weekdays and chance alone: no odd day, no season, no lift, no split that is off, nobody who changes."""
    tables = ("orders", "experiments", "experiment_assignments")
    settings = Settings(orders=9000, days=800, seed=1, plain=True, tables=tables)
    truth = write_extracts(settings, tmp_path)
    planted = ("anomalous_days", "trends", "lagged_pairs", "affinities")
    of_sellers = ("seller_stories", "worsening_sellers", "improving_sellers")
    assert all(truth[name] == [] for name in (*planted, *of_sellers))
    assert "category_of_six" not in truth
    assert truth["campaign_lift"]["order_factor"] == 1.0
    assert {e["planted_relative_lift"] for e in truth["experiments"]} == {0.0}
    assert not any(e["is_split_broken"] for e in truth["experiments"])
    # a coin sends the buyers too: shares exact to one buyer would leave the tests nothing to be wrong about
    halves = [e["visitors_with_an_order_session"] for e in truth["experiments"] if e["expected_share_b"] == 0.5]
    assert any(abs(half["a"] - half["b"]) > 1 for half in halves)
    ordered = [row["ordered_at"] for row in read_csv_rows(tmp_path / "orders.csv")]
    months: dict[str, int] = {}
    for at in ordered:
        months[at[:7]] = months.get(at[:7], 0) + 1
    whole = [n for _, n in sorted(months.items())][1:-1]
    assert max(whole) < 1.3 * min(whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--out x --orders 0 --days 3", "at least 1"),
        ("--out x --orders 5 --days 3 --tables nonsense", "unknown tables nonsense"),
        ("--out x --orders 5 --days 3 --timezone Mars", "unknown time zone 'Mars'"),
        ("--out x --orders 5 --days 3 --reporting-currency ZZZ", "currency 'ZZZ'"),
        ("--out x --orders 5 --days 3 --session-conversion 1.5", "--session-conversion must lie between 0 and 1"),
        ("--orders 5 --days 3", "required"),
    ],
)
def test_wrong_arguments_are_named(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(arguments.split())
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_committed_sample_is_what_the_simulator_writes(tmp_path):
    write_extracts(SAMPLE, tmp_path)
    committed, made = files_of(SAMPLE_FOLDER), files_of(tmp_path)
    assert set(committed) == set(made)
    for name, content in made.items():
        if name.endswith(".parquet"):
            assert pl.read_parquet(SAMPLE_FOLDER / name).equals(pl.read_parquet(tmp_path / name)), name
        else:
            assert committed[name] == content, name


def test_sample_stays_small():
    sizes = [len(content) for content in files_of(SAMPLE_FOLDER).values()]
    assert max(sizes) <= 4 * 2**20
    assert sum(sizes) <= 12 * 10**6


def test_truth_is_readable():
    truth = json.loads((SAMPLE_FOLDER / "truth.json").read_text(encoding="utf-8"))
    assert truth["seed"] == SAMPLE.seed
    assert truth["rows"]["orders"] == SAMPLE.orders
