"""Explains one number of a build, down to the rows behind it: what `make explain KPI=gmv PERIOD=2026-10` runs.

    KPI=aov PERIOD=2026-W44 DIMENSION=country VALUE=FR python -m ops.explain

PERIOD is YYYY, YYYY-Qn, YYYY-MM, YYYY-Wnn (of ISO 8601, from Monday) or YYYY-MM-DD. Reads the build file (WAREHOUSE_DB)
and what dbt wrote about it (DBT_TARGET_PATH), and changes neither. Exit codes: 0 explained; 3 asked for wrongly, or
there is no build to ask, or one that other SQL made.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from ops import findings
from ops.project import ProjectError, Settings, models, no_such, open_build, read_artifact
from ops.terms import Behind, Mart, Part, equal, in_period, in_segment, one_line

WRONG_USE = 3
PERIODS = {
    "day": r"(\d{4})-(\d\d)-(\d\d)",
    "week": r"(\d{4})-W(\d\d)",
    "month": r"(\d{4})-(\d\d)",
    "quarter": r"(\d{4})-Q([1-4])",
    "year": r"(\d{4})",
}
SEGMENT = "kpi_id = ? and period_grain = ? and period_start = ? and dimension = ? and dimension_value = ?"
DRIVERS_SHOWN = 3  # of each dimension
NAMED = 8  # values in a message
WIDTH = 120
# What a condition on a fact keeps out, in words; any other is shown as it is written.
LEFT_OUT = {"is_paid": "unpaid", "is_valid": "cancelled or refused"}
# They read every table to know what there is and until when; no row of theirs is behind a number.
ABOUT_TABLES = {"int_span", "int_inputs", "int_feed_days"}


@dataclass(frozen=True)
class Build:
    """A build file, open, and what dbt wrote about it."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    manifest: Mapping[str, Any]
    marts: dict[str, Mart] = field(default_factory=dict)

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query, by name of the column."""
        cursor = self.connection.execute(sql, values)
        names = [name for name, *_ in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def mart(self, name: str) -> Mart:
        """A family mart as it was compiled. Raises ProjectError when dbt left no compiled SQL of it."""
        if name in self.marts:
            return self.marts[name]
        [node] = [node for node in models(self.manifest) if node["name"] == name]
        path = self.settings.target / "compiled" / node["package_name"] / node["original_file_path"]
        if not path.is_file():
            raise ProjectError(f"{path} is not there: run `make build` first.")
        return self.marts.setdefault(name, Mart(name, path.read_text(encoding="utf-8")))

    def made_by_other_code(self, what: str) -> ProjectError:
        """What to say when the build and what dbt wrote last do not belong together."""
        built, written = self.settings.warehouse, self.settings.target
        return ProjectError(f"{built} was not made by the SQL in {written}: {what}. Run `make build`.")


@dataclass(frozen=True)
class Side:
    """A numerator, a denominator or a figure of its own: the mart's column, its formula where it is made of several
    terms, and the rows behind each term that was not told before."""

    column: str
    formula: str
    behind: list[Behind]


class Figure:
    """One KPI in one period and segment of a build. Raises ProjectError when there is no such figure."""

    def __init__(self, build: Build, kpi_id: str, period: str, dimension: str = "all", value: str = "all") -> None:
        self.build = build
        known = {kpi["kpi_id"]: kpi for kpi in build.rows("select * from marts.dim_kpi")}
        if kpi_id not in known:
            raise no_such("KPI", kpi_id, known)
        self.kpi = known[kpi_id]
        metrics = {metric["name"]: metric for metric in build.manifest["metrics"].values()}
        if kpi_id not in metrics:
            raise build.made_by_other_code(f"it knows no KPI {kpi_id}")
        self.inputs = {
            side: (metrics[kpi_id]["type_params"].get(side) or {}).get("name") for side in ("numerator", "denominator")
        }
        self.part = self._part(period, dimension, value)
        # of this period, the one before and the same a year before; None where there is none
        self.starts = [self.part.start, *starts_before(self.part.grain, self.part.start)]
        rows = build.rows(
            "select * from marts.kpi_values where kpi_id = ? and period_grain = ?"
            " and dimension = ? and dimension_value = ? and period_start in (?, ?, ?)",
            kpi_id, self.part.grain, dimension, value, *self.starts,
        )
        self.values = [next((row for row in rows if row["period_start"] == start), None) for start in self.starts]
        if self.values[0] is None:
            raise ProjectError(self._why_no_row())

    def _part(self, period: str, dimension: str, value: str) -> Part:
        kpi_id, kept = self.kpi["kpi_id"], self.kpi["dimensions"].split()
        grain, start = parse_period(period)
        if dimension != "all" and dimension not in kept:
            only = f"kept by {', '.join(kept)}" if kept else "kept for the whole only"
            raise ProjectError(f"DIMENSION: {kpi_id} is not kept by {dimension!r}; it is {only}.")
        if dimension == "all" and value != "all":
            raise ProjectError(f"VALUE: {value!r} belongs to no dimension; say which with DIMENSION.")
        part = self._in_span(grain, start, dimension, value)
        if part is None:
            [span] = self.build.rows("select span_start, as_of from intermediate.int_span")
            days = f"{span['span_start']} to {span['as_of']}"
            raise ProjectError(f"PERIOD: {period} has no row: the data of the build are those of {days}.")
        return part

    def _why_no_row(self) -> str:
        kpi_id, part, when = self.kpi["kpi_id"], self.part, written(self.part.grain, self.part.start)
        of = "select distinct {} as found from marts.kpi_values where kpi_id = ? and dimension = ?"
        grains = {row["found"] for row in self.build.rows(of.format("period_grain"), kpi_id, part.dimension)}
        if grains and part.grain not in grains:
            kept = " or ".join(grain for grain in PERIODS if grain in grains)
            return f"PERIOD: by {part.dimension}, {kpi_id} is kept for a {kept}, not for a {part.grain}."
        rows = self.build.rows(
            f"{of.format('dimension_value')} and period_grain = ? and period_start = ? order by all",
            kpi_id, part.dimension, part.grain, part.start,
        )
        here = [row["found"] for row in rows]
        named = difflib.get_close_matches(part.value, here, NAMED) or here[:NAMED]
        others = f"there are {', '.join(named)}" if here else f"there is none of any {part.dimension}"
        more = f" and {len(here) - len(named):,} more" if len(here) > len(named) else ""
        return f"VALUE: {kpi_id} has no row of {part.dimension} {part.value!r} in {when}; {others}{more}."

    def _in_span(self, grain: str, start: date, dimension: str, value: str) -> Part | None:
        found = self.build.connection.execute(
            "select period_grain, period_start, period_end, last_day, span_start from intermediate.int_periods"
            " where period_grain = ? and period_start = ?", [grain, start],
        ).fetchone()
        return Part(*found, dimension, value) if found else None

    def sides(self) -> list[Side]:
        """What the value is made of, with the rows behind; nothing where it cannot be known.

        Raises ProjectError when the rows give another number than the build shows: other SQL made it.
        """
        if not self.values[0]["is_covered"]:
            return []
        marts = [f"kpi_{self.kpi['family']}"]
        if self.kpi["is_custom"]:
            marts = self.kpi["source_tables"].split()
        columns = [name for name in self.inputs.values() if name] or [self.kpi["kpi_id"]]
        found, told = [], set()
        for column, name in zip(columns, [marts[0], marts[-1]], strict=False):
            mart = self.build.mart(name)
            try:
                terms, formula = mart.made_of(column)
                behind = [self._behind(mart, term) for term in terms if (name, term) not in told]
            except (KeyError, duckdb.CatalogException, duckdb.BinderException) as error:
                raise self.build.made_by_other_code(f"{column} of {name}: {error}".splitlines()[0]) from None
            told |= {(name, term) for term in terms}
            found.append(Side(column, formula, [rows for rows in behind if rows]))
        return found

    def _behind(self, mart: Mart, term: str) -> Behind | None:
        """The rows behind one term; None where the mart has no value of it."""
        part = self.part
        if mart.spec(term, part.dimension) is None:
            raise ProjectError(f"DIMENSION: {mart.name} does not keep {term} by {part.dimension!r}.")
        is_percentile = mart.spec(term, part.dimension)["shape"] == "percentiles"
        row = self.build.connection.execute(
            f"select {term}{'_n' if is_percentile else ''} from marts.{mart.name}"
            " where period_grain = ? and period_start = ? and dimension = ? and dimension_value = ?",
            [part.grain, part.start, part.dimension, part.value],
        ).fetchone()
        shown = row[0] if row else 0  # a custom KPI's other mart may not have seen the segment
        if shown is None:
            return None
        start_before, _ = starts_before(part.grain, part.start)
        before = self._in_span(part.grain, start_before, part.dimension, part.value)
        found = mart.behind(self.build.connection, term, part, before)
        counted = found.rows if is_percentile else found.total
        if not equal(counted, shown):
            raise self.build.made_by_other_code(f"{term} of {mart.name} is {shown:,}, its rows give {counted:,}")
        return found

    def left_out(self, behind: Behind) -> Iterator[str]:
        """What the conditions of a term keep out of its table, and the orders that count nowhere."""
        columns = self._columns(behind.source)
        conditions = [said for said in behind.conditions if _names(said) <= columns]
        if "is_valid" in conditions and "is_paid" in columns and "is_paid" not in conditions:
            conditions.insert(conditions.index("is_valid"), "is_paid")
        where, scope = self._scope(behind, columns)
        counts = []
        for at, condition in enumerate(conditions):
            met = "".join(f" and ({earlier})" for earlier in conditions[:at])
            left = self._count(f"{behind.source} where {where}{met} and not coalesce({condition}, false)")
            counts += [f"{left:,} {_otherwise(condition)}"] if left else []
        if counts:
            yield f"{behind.source.split('.')[-1]} {scope}: {', '.join(counts)}"
        if "order_id" in columns:
            yield from self._orders_left_out(behind)

    def _orders_left_out(self, behind: Behind) -> Iterator[str]:
        """The orders that no fact holds, or fct_orders alone; of the period where a term is dated by order day."""
        is_by_order = behind.spec.get("day") == "ordered_on"
        where, scope = self._scope(behind, self._columns("intermediate.int_orders") if is_by_order else set())
        tests = self._count(f"intermediate.int_orders where {where} and not is_counted")
        unpaid = 0
        if is_by_order and behind.source != "marts.fct_orders":
            unpaid = self._count(f"intermediate.int_orders where {where} and is_counted and not is_paid")
        counts = [f"{count:,} {words}" for count, words in ((tests, "for testing"), (unpaid, "unpaid")) if count]
        if counts:
            yield f"orders {scope}: {', '.join(counts)}"

    def _scope(self, behind: Behind, columns: set[str]) -> tuple[str, str]:
        """SQL and words: which rows of a table with these columns are those of the period and segment."""
        spec, part = behind.spec, behind.part
        where, words = "true", "in the whole build"
        if spec.get("day") in columns:
            where, words = in_period(spec["day"], part), f"in {written(part.grain, part.start)}"
        if part.dimension != "all":
            column = spec.get("dimensions", {}).get(part.dimension)
            if column in columns:
                where += f" and {in_segment(column, part)}"
            else:
                words += f", whatever the {part.dimension}"
        return where, words

    def _count(self, rows: str) -> int:
        return self.build.connection.execute(f"select count(*) from {rows}").fetchone()[0]

    def _columns(self, table: str) -> set[str]:
        return {name for name, *_ in self.build.connection.execute(f"describe {table}").fetchall()}

    def rejected(self) -> Iterator[str]:
        """The rejected rows of every delivered table that the KPI is made from, with the most frequent reason."""
        read = findings.read_files(self.build.connection)
        above = self._above(set(self.kpi["source_tables"].split()))
        for extract, reasons in findings.read_reasons(self.build.connection).items():
            if extract in above:
                own = [file for file in read if file.extract == extract]
                rejected, of = sum(file.rejected for file in own), sum(file.read for file in own)
                yield f"{extract} in the whole build: {rejected:,} of {of:,} rows rejected; {reasons[0]}"

    def _above(self, tables: set[str]) -> set[str]:
        """The names of all models and delivered tables that some models are made from."""
        manifest = self.build.manifest
        found: dict[str, None] = dict.fromkeys(node["unique_id"] for node in models(manifest) if node["name"] in tables)
        for unique_id in (waiting := list(found)):
            for parent in manifest["nodes"].get(unique_id, {}).get("depends_on", {}).get("nodes", []):
                if parent not in found and parent.split(".")[-1] not in ABOUT_TABLES:
                    found[parent] = None
                    waiting.append(parent)
        return {unique_id.split(".")[-1] for unique_id in found}


def parse_period(text: str) -> tuple[str, date]:
    """The grain and first day of a period as it is asked for. Raises ProjectError when it is none."""
    for grain, form in PERIODS.items():
        if match := re.fullmatch(form, text):
            year, *others = map(int, match.groups())
            try:
                if grain == "week":
                    return grain, date.fromisocalendar(year, others[0], 1)
                if grain == "quarter":
                    return grain, date(year, 3 * others[0] - 2, 1)
                return grain, date(year, *others, *[1] * (2 - len(others)))
            except ValueError:
                break
    raise ProjectError(f"PERIOD: {text!r} is no YYYY, YYYY-Qn, YYYY-MM, YYYY-Wnn or YYYY-MM-DD.")


def written(grain: str, start: date) -> str:
    """A period as it is asked for."""
    if grain == "week":
        year, week, _ = start.isocalendar()
        return f"{year}-W{week:02}"
    quarter = f"{start.year}-Q{(start.month + 2) // 3}"
    return {"day": str(start), "month": f"{start:%Y-%m}", "quarter": quarter, "year": str(start.year)}[grain]


def starts_before(grain: str, start: date) -> tuple[date, date]:
    """The first day of the period before, and of the same a year before (days and weeks: 364 days)."""
    if grain in ("day", "week"):
        return start - timedelta(days=1 if grain == "day" else 7), start - timedelta(days=364)
    months = start.year * 12 + start.month - 1 - {"month": 1, "quarter": 3, "year": 12}[grain]
    return date(months // 12, months % 12 + 1, 1), start.replace(year=start.year - 1)


def _otherwise(condition: str) -> str:
    """What does not meet a condition, in words."""
    if flag := re.fullmatch(r"(not )?(?:is_)?(\w+)", condition):
        return LEFT_OUT.get(condition) or (flag[2] if flag[1] else f"not {flag[2]}")
    return f"not ({condition})"


def _names(condition: str) -> set[str]:
    """The columns that a condition names."""
    return {column.name for column in sqlglot.parse_one(condition, read="duckdb").find_all(exp.Column)}


# --- as text ---


def told(figure: Figure) -> Iterator[str]:
    """The explanation, line by line. Raises ProjectError as Figure.sides does."""
    sides = figure.sides()
    kpi, part = figure.kpi, figure.part
    segment = "" if part.dimension == "all" else f", {part.dimension} {part.value}"
    yield f"{kpi['kpi_id']} in {written(part.grain, part.start)}{segment}"
    yield ""
    yield from _definition(kpi)
    yield ""
    yield from _values(figure)
    yield from _notes(figure)
    yield ""
    yield from (line for text in _against_target(figure) for line in _wrapped(text))
    yield from _drivers(figure)
    for side in sides:
        if side.formula:
            yield from ["", *_wrapped(f"{side.column} = {one_line(side.formula)}")]
        for behind in side.behind:
            yield from ["", *_rows_behind(behind)]
    found = [behind for side in sides for behind in side.behind]
    lines = [line for behind in found if behind.source for line in figure.left_out(behind)]
    lines = [*dict.fromkeys(lines), *figure.rejected()]
    yield from ["", "Left out", *(wrapped for line in lines or ["nothing"] for wrapped in _wrapped(f"  {line}"))]


def _definition(kpi: Mapping[str, Any]) -> Iterator[str]:
    for line in kpi["description"].splitlines():
        if line.strip():
            yield from _wrapped(re.sub(r"\*\*|`|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)", "", line))
    yield from _wrapped(f"Formula: {kpi['formula']}. Dated by: {kpi['dated_by']}. Better: {kpi['direction']}.")


def _wrapped(text: str) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _values(figure: Figure) -> Iterator[str]:
    kpi, grain = figure.kpi, figure.part.grain
    [currency] = figure.build.rows("select reporting_currency as name from marts.release_info")
    unit = {"money": f" {currency['name']}", "ratio": "", "index": "", "count": ""}.get(kpi["unit"], f" {kpi['unit']}")
    measures = {side: f"{side} {name}" for side, name in figure.inputs.items() if name}
    measures |= {"value": f"{kpi['kpi_id']}, {kpi['label_en']}", "sample_size": "sample size"}
    rows = []
    for measure, words in measures.items():
        values = [row and row[measure] for row in figure.values]
        if measure == "value":
            rows.append([words, *("-" if value is None else as_text(value, kpi["format"]) + unit for value in values)])
        elif measure != "sample_size" or any(value is not None for value in values):
            rows.append([words, *map(as_text, values)])
    words = ("", "before: ", f"{_a_year(grain)}: ")
    heads = [said + written(grain, start) for said, start in zip(words, figure.starts, strict=True)]
    yield from table(["", *heads], rows, [False, True, True, True])


def _a_year(grain: str) -> str:
    """What the period of last year is called: of a day and a week it is the same weekday, not the same date."""
    return "364 days before" if grain in ("day", "week") else "a year before"


def _against_target(figure: Figure) -> Iterator[str]:
    """What kpi_scorecard makes of the value: target and levels, status, what to do."""
    kpi, part = figure.kpi, figure.part
    rows = figure.build.rows(
        "select target, target_low, target_high, gap, gap_rate, status, recommended_action, owner"
        f" from marts.kpi_scorecard where {SEGMENT}", kpi["kpi_id"], part.grain, part.start, part.dimension, part.value,
    )
    if not rows:
        why = "days are not judged" if part.grain == "day" else "this segment has no target"
        yield f"Target: none; {why} (kpi_scorecard has no row)."
        return
    [row] = rows
    if row["target"] is None and row["target_low"] is None:
        yield "Target: none is set."
    else:
        yield f"Target: {_levels(figure, row)}."
    yield f"Status: {_status(row, kpi)}"
    if row["recommended_action"]:
        yield f"What to do ({row['owner']}): {row['recommended_action']}"


def _levels(figure: Figure, row: Mapping[str, Any]) -> str:
    """The target of a row of the scorecard and, as kpi_targets has them, what warns and what alerts."""
    kpi, part = figure.kpi, figure.part
    set_then = figure.build.rows(
        "select warn, alert, set_by, reason from marts.kpi_targets where kpi_id = ? and period_grain = ?"
        " and dimension = ? and dimension_value = ? and valid_from <= ? order by valid_from desc limit 1",
        kpi["kpi_id"], part.grain, part.dimension, part.value, part.start,
    )
    form = kpi["format"]
    if row["target"] is not None:
        words = f"{as_text(row['target'], form)} or {'less' if kpi['direction'] == 'down' else 'more'}"
    else:
        words = f"{as_text(row['target_low'], form)} to {as_text(row['target_high'], form)}"
    for levels in set_then:
        beyond = "beyond" if row["target"] is not None else "outside by more than"
        for name in ("warn", "alert"):
            if levels[name] is not None:
                words += f", {name} {beyond} {as_text(levels[name], form)}"
        said = ": ".join(filter(None, (levels["set_by"], levels["reason"])))
        words += f" ({said})" if said else ""
    return words


def _status(row: Mapping[str, Any], kpi: Mapping[str, Any]) -> str:
    words = {
        "insufficient_data": "there is no value, or too few cases to judge it",
        "not_final": "it is judged when the period is final",
        "no_target": "there is nothing to judge by",
    }.get(row["status"])
    if not words:
        far = _as_change(row["gap"], kpi["format"])
        words = "the target is reached" if row["gap"] >= 0 else f"the target is missed ({far}; + is better, - worse)"
        words += ", within the warning level" if row["status"] == "good" and row["gap"] < 0 else ""
        words += ", beyond the alert level" if row["status"] == "alert" else ""
    return f"{row['status']}, {words}."


def _notes(figure: Figure) -> Iterator[str]:
    """Why there is no value, and what keeps it from being final or compared."""
    kpi, part, this = figure.kpi, figure.part, figure.values[0]
    if this["value"] is None:
        gaps = figure.build.rows(
            "select need, is_absent, uncovered_day from intermediate.int_kpi_gaps"
            " where kpi_id = ? and period_grain = ? and period_start = ?", kpi["kpi_id"], part.grain, part.start,
        )
        for gap in gaps:
            why = "of which there is nothing" if gap["is_absent"] else f"not covered on {gap['uncovered_day']}"
            yield f"No value, which is not 0: it needs {gap['need'].replace('|', ' or ')}, {why}."
        if not gaps:
            yield "No value, which is not 0: there is nothing to divide by or to measure."
    if this["is_partial"]:
        days, of = (part.last_day - part.start).days + 1, (part.end - part.start).days + 1
        yield f"Not over: the data hold {days} of its {of} days."
        like_for_like = figure.build.rows(
            f"select previous_value, previous_year_value from marts.kpi_scorecard where {SEGMENT}",
            kpi["kpi_id"], part.grain, part.start, part.dimension, part.value,
        )
        for row in like_for_like:
            for words, value in zip(("the period before", "the year before"), row.values(), strict=True):
                if value is not None:
                    yield f"  the first {days} days of {words}: {as_text(value, kpi['format'])}"
    elif not this["is_mature"]:
        yield f"Not final: what happens in the {kpi['maturity_days']} days after it still counts."
    for start, row in dict(zip(figure.starts, figure.values, strict=True)).items():
        if row and start < part.span_start:
            yield f"{written(part.grain, start)} is not comparable: it began before the data, {part.span_start}."


def _drivers(figure: Figure) -> Iterator[str]:
    part, form = figure.part, figure.kpi["format"]
    effects = ["rate_effect", "mix_effect"]
    found = figure.build.rows(
        "select * from marts.kpi_drivers where kpi_id = ? and period_grain = ? and period_start = ?"
        " and case when ? = 'all' then contribution_rank <= ? else dimension = ? and dimension_value = ? end"
        " order by compared_with, dimension, contribution_rank",
        figure.kpi["kpi_id"], part.grain, part.start, part.dimension, DRIVERS_SHOWN, part.dimension, part.value,
    )
    if not found:
        yield from ["", "What moved it", *_wrapped(f"  {_why_no_drivers(figure)}")]
        return
    if all(row["rate_effect"] is None for row in found):
        effects = []
    rows = [
        [
            {"previous": "before", "previous_year": _a_year(part.grain)}[row["compared_with"]],
            row["dimension"], row["dimension_value"],
            *(as_text(row[column], form) for column in ("value_before", "value_after")),
            *(_as_change(row[column], form) for column in [*effects, "contribution"]),
        ]
        for row in found
    ]
    whole = f"{DRIVERS_SHOWN} of each dimension" if part.dimension == "all" else "this segment's part in the whole"
    parts = [name.replace("_", " ") for name in [*effects, "contribution"]]
    heads = ["against", "dimension", "value", "before", "after", *parts]
    yield from ["", f"What moved it ({whole}; more in kpi_drivers)"]
    yield from table(heads, rows, [name not in heads[:3] for name in heads])


def _why_no_drivers(figure: Figure) -> str:
    """Why kpi_drivers has no row of a figure."""
    kpi_id, part = figure.kpi["kpi_id"], figure.part
    if part.grain not in ("week", "month", "quarter"):
        return f"Not told: kpi_drivers holds weeks, months and quarters, no {part.grain}."
    held = figure.build.rows(
        "select period_start, bool_or(dimension = ?) as has_dimension from marts.kpi_drivers"
        " where kpi_id = ? and period_grain = ? group by period_start", part.dimension, kpi_id, part.grain,
    )
    if not held:
        return (
            f"Not told: kpi_drivers has no {part.grain} of {kpi_id}; it needs two final ones to compare and a dimension"
            " whose values add up to the whole."
        )
    if held[0]["period_start"] != part.start:
        latest = written(part.grain, held[0]["period_start"])
        return f"Not told: kpi_drivers holds the latest final {part.grain} only, {latest}."
    if not held[0]["has_dimension"]:
        return f"Not told: the values of {kpi_id} by {part.dimension} do not add up to the whole."
    return f"Not told: kpi_drivers has no {part.dimension} {part.value}."


def _rows_behind(behind: Behind) -> Iterator[str]:
    yield from _wrapped(f"{behind.term}: {behind.what}")
    where = f" where {' and '.join(behind.conditions)}" if behind.conditions else ""
    if behind.source:
        yield from _wrapped(f"  rows of {behind.relation}, read from {behind.source}{where}")
    yield f"  {_count(behind)}"
    columns = dict(zip(behind.columns, zip(*behind.first, strict=True), strict=False))
    shown = {name: values for name, values in columns.items() if any(value is not None for value in values)}
    numbers = [all(isinstance(value, int | float | Decimal | None) for value in values) for values in shown.values()]
    if shown:
        rows = [[_cell(value) for value in row] for row in zip(*shown.values(), strict=True)]
        yield from (f"    {line}" for line in table(list(shown), rows, numbers))
    if behind.rows > len(behind.first) and behind.spec["shape"] != "percentiles":
        yield f"    and {behind.rows - len(behind.first):,} more"


def _count(behind: Behind) -> str:
    rows, shape = f"{behind.rows:,}", behind.spec["shape"]
    if shape == "distinct":
        return f"{rows} of them"
    if shape == "percentiles":
        unknown = f" ({behind.of - behind.rows:,} more without a measure)" if behind.of != behind.rows else ""
        return f"n = {rows}{unknown}" + (f", value {as_text(behind.total)}; the rows around it:" if behind.rows else "")
    if behind.of is None:
        return f"{rows} rows"
    adds_up = "their sum is" if behind.is_sum else "together they give"
    return f"{rows} of {behind.of:,} rows count; {adds_up} {as_text(behind.total)}"


def _as_change(value: float | None, form: str) -> str:
    """A difference of two values: of rates in percentage points."""
    if value is None:
        return "-"
    return f"{100 * value:+.2f} pp" if form.endswith("%") else ("+" if value >= 0 else "") + as_text(value, form)


def as_text(value: float | Decimal | None, form: str = "") -> str:
    """A number as a spreadsheet's format shows it (dim_kpi.format); without one a whole number has no decimals."""
    if value is None:
        return "-"
    form = form or ("#,##0" if value == int(value) else "#,##0.00")
    places = len(form.rstrip("%").partition(".")[2])
    return f"{value:{',' if ',' in form else ''}.{places}{'%' if form.endswith('%') else 'f'}}"


def _cell(value: Any) -> str:
    return as_text(value) if isinstance(value, float | Decimal) else "-" if value is None else str(value)


def table(heads: list[str], rows: list[list[str]], is_number: list[bool]) -> Iterator[str]:
    """Rows in columns, numbers to the right."""
    lines = [heads, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    for line in lines:
        cells = zip(line, widths, is_number, strict=True)
        yield "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells).rstrip()


def explain(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """The lines that explain what KPI, PERIOD, DIMENSION and VALUE ask for. Raises ProjectError when they cannot be."""
    asked = {name: environment.get(name, "").strip() for name in ("KPI", "PERIOD", "DIMENSION", "VALUE")}
    if not asked["KPI"] or not asked["PERIOD"]:
        raise ProjectError("Say which: make explain KPI=gmv PERIOD=2026-10")
    if asked["DIMENSION"] not in ("", "all") and not asked["VALUE"]:
        raise ProjectError(f"VALUE: say which {asked['DIMENSION']}, such as make explain ... VALUE=...")
    with open_build(settings) as connection:
        build = Build(connection, settings, read_artifact(settings.target, "manifest.json"))
        try:
            figure = Figure(build, asked["KPI"], asked["PERIOD"], asked["DIMENSION"] or "all", asked["VALUE"] or "all")
            return list(told(figure))
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise build.made_by_other_code(str(error).splitlines()[0]) from None


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Print the explanation. Returns the exit code."""
    try:
        lines = explain(Settings.from_environment(environment), environment)
    except ProjectError as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    try:
        print("\n".join(lines), flush=True)
    except BrokenPipeError:  # whoever reads has seen enough, as `| head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
