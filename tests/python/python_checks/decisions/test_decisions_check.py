"""The check: it passes what is right, and finds any other number, word, row or table."""

from __future__ import annotations

import datetime as dt
import types

import duckdb
import numpy as np
import polars as pl
import pytest
from decisions_market import calendar, day, days, dim_kpi, rows

from python_checks.decisions import check
from python_checks.decisions.check import check_decisions, collect, known_kpis
from python_checks.decisions.compare import compare_table
from python_checks.recompute.compare import Published
from python_checks.recompute.contract import TABLES
from python_checks.recompute.judge import POLARS_TYPES
from python_checks.recompute.money import UNIT_PLACES

FIRST, AS_OF = "2024-01-01", "2026-06-20"
FORMATS = {"#,##0": "{:,.0f}", "#,##0.00": "{:,.2f}", "0.00": "{:.2f}"}
BENCHMARKS = """benchmark_id,kpi_id,market,operator,value,source,strength,published_on,is_reference
b1,aov,fr,>=,40,Them,weak,2025-01-01,true
b2,aov,de,,70,Others,weak,,false"""
CALENDAR = "event_date,country,kind,name\n2026-05-01,FR,public_holiday,Fete"
TARGETS = [  # kpi, grain, dimension, value, target, low, high
    ("gmv", "month", "all", "all", "1000000", None, None), ("aov", "quarter", "country", "FR", "20", None, None),
    ("buyer_seller_ratio", "month", "all", "all", None, "1", "2"), ("orders", "month", "all", "all", "900", None, None)]


def market_rows() -> pl.DataFrame:
    """Thirty months of orders in two countries, with sessions and sellers, at every grain."""
    rng = np.random.default_rng(7)
    first, last = day(FIRST), day(AS_OF)
    count = (last - first).days + 1
    orders = {name: rng.poisson(20 + np.arange(count) / 60) for name in ("FR", "DE")}
    orders["FR"][-30] += 200
    spent = {name: np.round(each * rng.uniform(30, 60, count), 2) for name, each in orders.items()}
    each = pl.DataFrame({
        "period_start": [first + dt.timedelta(days=n) for n in range(count)],
        **{f"orders_{name}": its for name, its in orders.items()},
        **{f"gmv_{name}": its for name, its in spent.items()},
        "sessions": (orders["FR"] + orders["DE"]) * 10 + rng.integers(0, 30, count)})
    span, parts = calendar(FIRST, AS_OF), []
    for grain, every in (("day", "1d"), ("week", "1w"), ("month", "1mo"), ("quarter", "1q"), ("year", "1y")):
        sums = each.group_by(pl.col("period_start").dt.truncate(every)).agg(pl.all().sum()).sort("period_start")
        ends = dict(span.periods.filter(pl.col("period_grain") == grain).select("period_start", "last_day").iter_rows())
        for row in sums.iter_rows(named=True):
            start = str(row["period_start"])
            flags = {"is_partial": ends[row["period_start"]] > last}

            def add(kpi_id, value, segment="all=all", start=start, grain=grain, flags=flags):
                parts.append(rows(kpi_id, grain, {start: value}, segment, **flags))

            for name in ("FR", "DE"):
                add("orders", row[f"orders_{name}"], f"country={name}")
                add("gmv", row[f"gmv_{name}"], f"country={name}")
                add("aov", (row[f"gmv_{name}"], row[f"orders_{name}"]), f"country={name}")
            n, gmv = row["orders_FR"] + row["orders_DE"], row["gmv_FR"] + row["gmv_DE"]
            add("orders", n)
            add("gmv", gmv)
            add("aov", (gmv, n))
            add("sessions", row["sessions"])
            add("buyer_seller_ratio", (n, 30))
    return pl.concat(parts)


KPIS = dim_kpi(
    orders={"pairs_with": "sessions"}, gmv={"unit": "money", "format": "#,##0.00"},
    aov={"unit": "money", "format": "#,##0.00", "source_tables": "fct_orders fct_lines"},
    sessions={"family": "traffic", "source_tables": "fct_sessions"},
    buyer_seller_ratio={"family": "balance", "direction": "band", "format": "0.00", "dated_by": "rolling",
                        "is_additive": False})


class Extracts:
    """The optional extracts."""

    def deliveries(self, table):
        key = {"valid_from": day(FIRST), "set_by": "me", "reason": None}
        names = ["kpi_id", "period_grain", "dimension", "dimension_value", "target", "target_low", "target_high"]
        return self._typed(table, [dict(zip(names, target, strict=True)) | key for target in TARGETS])

    def __getitem__(self, table):
        if table == "kpi_targets":
            return self.deliveries(table)
        actions = [
            {"action_id": "a", "kpi_id": "gmv", "starts_on": day("2026-03-02"), "action": "do"},
            {"action_id": "b", "kpi_id": "buyer_seller_ratio", "starts_on": day("2026-03-02"), "action": "do"}]
        return self._typed(table, actions if table == "action_log" else [])

    def _typed(self, table, found):
        columns = TABLES[table].columns.values()
        return pl.DataFrame(found, schema={column.name: POLARS_TYPES[column.type] for column in columns})


def world() -> types.SimpleNamespace:
    """One buyer per day."""
    span = calendar(FIRST, AS_OF)
    spent = market_rows().filter(
        (pl.col("kpi_id") == "gmv") & (pl.col("period_grain") == "day") & (pl.col("dimension") == "all"))
    places = pl.int_range(pl.len())
    orders = spent.select(
        customer_id=pl.concat_str(pl.lit("c"), (places % 300).cast(pl.String)), order_day="period_start",
        gmv=(pl.col("value") * 100).round().cast(pl.Int128) * 10 ** (UNIT_PLACES - 2))
    paid = pl.DataFrame({"country": ["FR"], "paid_at": [1]})
    return types.SimpleNamespace(calendar=span, extracts=Extracts(), orders=orders, all_orders=paid)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    (folder / "builtin_benchmarks.csv").write_text(BENCHMARKS)
    (folder / "calendar_events.csv").write_text(CALENDAR)
    return folder


class Release:
    """A published file that is right, and the verdicts on it or on what was made of it."""

    def __init__(self, folder, seeds):
        self.path, self.seeds, self.world = folder / "release.duckdb", seeds, world()
        self.rows = market_rows()
        self.sql("create schema marts")
        self._write("dim_kpi", KPIS)
        self._write("kpi_values", self.rows)
        self.tables = self._expected()
        for name, table in self.tables.items():
            self._write(name, table)

    def verdicts(self):
        published = Published(self.path)
        values = collect(self.world, published)
        values.add(self.rows, published.rows(self.rows["kpi_id"].unique()))
        return {found.kpi_id: found for found in check_decisions(self.world, values, published, self.seeds)}

    def sql(self, text):
        with duckdb.connect(str(self.path)) as connection:
            return connection.execute(text).fetchall()

    def _write(self, name, table):
        with duckdb.connect(str(self.path)) as connection:
            connection.register("given", table.to_arrow())
            connection.execute(f"create or replace table marts.{name} as from given")

    def _expected(self):
        tables = {}

        def noted(name, expected, *_, **how):
            tables[name] = expected
            return compare_table(name, expected, None, [])

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(check, "compare_table", noted)
            self.verdicts()
        del tables["dim_kpi"]
        # the columns of which the check expects no text, as a builder would write them
        tables["kpi_month"] = tables["kpi_month"].with_columns(value_text=pl.struct("value", "format").map_elements(
            lambda row: FORMATS[row["format"]].format(row["value"]), return_dtype=pl.String))
        tables["kpi_drivers"] = tables["kpi_drivers"].with_columns(
            contribution_rank=pl.col("contribution").abs().rank("ordinal", descending=True).over(
                "kpi_id", "period_grain", "compared_with", "dimension"))
        cards = {row["kpi_id"]: row for row in tables["kpi_scorecard"].filter(
            (pl.col("period_grain") == "month") & (pl.col("dimension") == "all") & pl.col("is_latest")).to_dicts()}

        def told(kpi_id):
            card = cards[kpi_id]
            form = FORMATS[card["format"]]
            aim = "none" if card["target"] is None else form.format(card["target"])
            return (f"{card['label_en']} {form.format(card['value'])} in {card['period_start']:%Y-%m}, target {aim} "
                    f"({card['status']}), trend {card['trend']}, benchmark ({card['benchmark_source']})")

        tables["swot"] = tables["swot"].with_columns(
            evidence=pl.col("kpi_id").map_elements(told, return_dtype=pl.String))
        return tables


@pytest.fixture(scope="module")
def release(tmp_path_factory, seeds):
    return Release(tmp_path_factory.mktemp("release"), seeds)


def test_what_is_right_passes(release):
    found = release.verdicts()
    assert {name: verdict.examples for name, verdict in found.items() if not verdict.passed} == {}
    assert set(found) == {*release.tables, "dim_kpi"}
    assert {name: len(table) for name, table in release.tables.items() if table.is_empty()} == {}
    assert all(found[name].compared == len(table) for name, table in release.tables.items())


KEYS = {
    "kpi_targets": "kpi_id period_grain dimension dimension_value valid_from", "kpi_benchmarks": "benchmark_id",
    "kpi_month": "kpi_id period_start dimension dimension_value",
    "kpi_scorecard": "kpi_id period_grain period_start dimension dimension_value",
    "kpi_drivers": "kpi_id period_grain compared_with dimension dimension_value",
    "gmv_bridge": "bridge period_grain period_start compared_with component",
    "kpi_trends": "kpi_id period_grain", "kpi_anomalies": "kpi_id period_start",
    "kpi_correlations": "first_kpi_id second_kpi_id", "kpi_forecasts": "kpi_id period_start", "swot": "kpi_id",
    "balance_advice": "period_start dimension dimension_value", "decision_log": "action_id",
}


@pytest.mark.parametrize("table", KEYS)
def test_a_change_of_any_column_is_found(release, table):
    """One row is changed, the last one that has a value in the column: a number by a millionth part."""
    good = pl.DataFrame(release.tables[table])
    key = KEYS[table].split()
    missed = []
    for column, kind in good.schema.items():
        filled = good.with_row_index("place").filter(pl.col(column).is_not_null())["place"]
        if column in key or filled.is_empty():
            continue
        place = filled[-1]
        value = good[column][place]
        if isinstance(value, bool):
            other = not value
        elif isinstance(value, float):
            other = value + 1e-5 * max(1.0, abs(value))
        elif isinstance(value, str):
            other = "else"
        else:
            other = value + (dt.timedelta(days=1) if isinstance(value, dt.date) else 1)
        for changed in (other, None):
            series = good[column].to_list()
            series[place] = changed
            release._write(table, good.with_columns(pl.Series(column, series, dtype=kind)))
            verdict = _only(release, table)
            most = 2 if column == "contribution" else 1  # its neighbour's rank is another then
            if not 1 <= verdict.failures <= most or column not in verdict.examples[0]:
                missed.append((column, changed, verdict.failures, verdict.examples))
    release._write(table, good)
    assert not missed


@pytest.mark.parametrize("table", KEYS)
def test_missing_and_extra_rows_are_found(release, table):
    good = release.tables[table]
    release._write(table, good.head(len(good) - 1))
    assert any("not published" in example for example in _only(release, table).examples)
    release._write(table, pl.concat([good, good.tail(1)]))
    assert any("more than once" in example for example in _only(release, table).examples)
    key = next(name for name in KEYS[table].split() if good.schema[name] == pl.String)
    release._write(table, pl.concat([good, good.tail(1).with_columns(pl.lit("new").alias(key))]))
    assert any("not to be" in example for example in _only(release, table).examples)
    release._write(table, good.drop(good.columns[-1]))
    assert _only(release, table).examples == [f"no column {good.columns[-1]}"]
    release.sql(f"drop table marts.{table}")
    assert _only(release, table).examples == ["no such table"]
    release._write(table, good)
    assert _only(release, table).passed


def _only(release, table):
    """The verdict on a table as the check makes it, from what it expected once."""
    expected, how = _expectations(release)[table]
    there = Published(release.path).table(table)
    if "contribution_rank" in how.get("judged", {}):
        names, _ = how["judged"]["contribution_rank"]
        how = {**how, "judged": {"contribution_rank": (names, check._ranked(there))}}
    return compare_table(table, expected, there, KEYS[table].split(), **how)


def _expectations(release):
    if not hasattr(release, "expectations"):
        release.expectations = {}

        def noted(name, expected, published, key, **how):
            release.expectations[name] = expected, how
            return compare_table(name, expected, published, key, **how)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(check, "compare_table", noted)
            release.verdicts()
    return release.expectations


def test_a_wrong_value_of_a_kpi_is_found_in_what_is_made_of_it(release):
    """The check is made of the recomputed values, not of the published ones."""
    published = Published(release.path)
    values = collect(release.world, published)
    is_wrong = (pl.col("kpi_id") == "gmv") & (pl.col("period_grain") == "month") & (pl.col("dimension") == "all")
    values.add(
        release.rows.with_columns(pl.when(is_wrong).then(pl.col("value") + 1).otherwise("value").alias("value")),
        published.rows(release.rows["kpi_id"].unique()))
    found = {each.kpi_id: each for each in check_decisions(release.world, values, published, release.seeds)}
    assert {"kpi_month", "kpi_scorecard", "kpi_forecasts"} <= {name for name, each in found.items() if not each.passed}


def test_a_wrong_flag_of_a_definition_is_found(release):
    release.sql("update marts.dim_kpi set is_additive = false where kpi_id = 'gmv'")
    assert not release.verdicts()["dim_kpi"].passed
    release.sql("update marts.dim_kpi set is_additive = true where kpi_id = 'gmv'")
    assert known_kpis(Published(release.path))["gmv"].is_additive


def test_chances_are_held_in_the_tail():
    key = ["kpi_id"]
    here = pl.DataFrame({"kpi_id": ["a"], "p_value": [1e-40]})
    there = here.with_columns(p_value=pl.lit(1.00001e-40))
    assert compare_table("t", here, there, key).passed
    assert not compare_table("t", here, there, key, chances=("p_value",)).passed
    assert compare_table("t", here, here.with_columns(p_value=pl.lit(1.0000001e-40)), key, chances=("p_value",)).passed


def test_a_segment_of_nothing_is_the_marts_choice():
    """Whether a segment in which nothing happened has a row, the comparison of kpi_values judges."""
    span = calendar("2026-01-01", "2026-01-31")
    whole = rows("orders", "month", {"2026-01-01": 5.0})
    nothing = rows("orders", "month", {"2026-01-01": 0.0}, "country=BE")
    values = check.Values(span)
    values.add(whole, pl.concat([whole, nothing]))
    assert len(values.frame) == 2
    fewer = check.Values(span)
    fewer.add(pl.concat([whole, nothing]), whole)
    assert len(fewer.frame) == 1


def test_only_what_is_needed_is_kept():
    span = calendar("2026-01-01", "2026-01-31")
    values = check.Values(span, [("orders", "country", "FR")])
    values.add(pl.concat([
        days("orders", "2026-01-01", [1.0, 2.0]), days("orders", "2026-01-01", [1.0], segment="country=FR"),
        days("orders", "2026-01-01", [1.0], segment="country=DE"),
        rows("orders", "month", {"2026-01-01": 1.0}, "seller=s1"),
        rows("orders", "quarter", {"2026-01-01": 1.0}, "seller=s1")]))
    found = values.frame.select("period_grain", "dimension_value").sort("period_grain", "dimension_value").rows()
    assert found == [("day", "FR"), ("day", "all"), ("day", "all")]
