"""The rows behind the terms of a family mart, asked of a build file.

A mart's SQL, as dbt compiled it, hands the specs of its terms on in one comment (macro kpi_terms). What stands before
it are the relations that the specs name; what stands after it divides the terms. Nothing here knows a term by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from math import isclose
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from ops.project import ProjectError, sql_text

MARK = re.compile(r"^-- kpi_terms: (.+)$", re.MULTILINE)
ROWS_SHOWN = 20
KEYS_SHOWN = 3
Spec = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One segment of one period: the days [start, last_day] that the data hold of it."""

    grain: str
    start: date
    end: date
    last_day: date
    span_start: date
    dimension: str = "all"
    value: str = "all"


@dataclass
class Behind:
    """The rows behind a term: those that count, and the first of them, or for a percentile those around it.

    total: what the rows give: the sum of their parts, the number of things, the percentile
    rows: how many rows count (things of a distinct count, measured rows of a percentile)
    of: how many rows the relation has for the period and segment; None where all of them count
    is_sum: whether `total` is the sum of the last column
    source, conditions: the table that the relation is read from, if any, and what its rows have to meet
    """

    term: str
    relation: str
    what: str
    total: float | None
    rows: int
    of: int | None = None
    is_sum: bool = False
    columns: list[str] = field(default_factory=list)
    first: list[tuple] = field(default_factory=list)
    spec: Spec = field(default_factory=dict)
    part: Part | None = None
    source: str = ""
    conditions: list[str] = field(default_factory=list)


class Mart:
    """A family mart as dbt compiled it. Raises ProjectError when its SQL does not hand on the specs of its terms."""

    def __init__(self, name: str, sql: str) -> None:
        mark = MARK.search(sql)
        if not mark:
            raise ProjectError(f"The compiled SQL of {name} does not say what its terms are made of: run `make build`.")
        self.name = name
        self.specs: list[Spec] = json.loads(mark[1])
        self._head = sql[: mark.start()].rstrip().removesuffix(",")
        self._tail = sql[mark.start() :]
        self._columns: dict[str, list[str]] = {}

    @cached_property
    def _relations(self) -> dict[str, exp.Expression]:
        """What is said before the specs, by name."""
        tree = sqlglot.parse_one(f"{self._head} select 1", read="duckdb")
        return {cte.alias: cte.this for cte in tree.ctes}

    @cached_property
    def _divided(self) -> dict[str, exp.Expression]:
        """The selects that follow the terms, by name."""
        tree = sqlglot.parse_one(f"with {self._tail}", read="duckdb")
        return {cte.alias: cte.this for cte in tree.ctes}

    def made_of(self, column: str) -> tuple[list[str], str]:
        """The terms that a column is made of, in order, and its formula where it is not simply one of them.

        Raises KeyError when the mart shows no such column.
        """
        formula = self._in_terms("shown", column)
        terms = list(dict.fromkeys(used.name for used in formula.find_all(exp.Column, bfs=False)))
        return terms, "" if isinstance(formula, exp.Column) else _sql(formula)

    def _in_terms(self, relation: str, column: str) -> exp.Expression:
        """A column of a select that follows the terms, as an expression of them."""
        if relation == "terms":
            if not any(column.removesuffix("_n") in spec["terms"] for spec in self.specs):
                raise KeyError(column)
            return exp.column(column)
        select = self._divided[relation]
        source = _main_source(select).name

        def expanded(node: exp.Expression) -> exp.Expression:
            if not isinstance(node, exp.Column):
                return node
            made = self._in_terms(source, node.name)
            return made if isinstance(made, exp.Column) else exp.paren(made)

        for projection in select.expressions:
            if projection.alias_or_name == column and not isinstance(projection, exp.Column):
                return projection.unalias().transform(expanded)
        return self._in_terms(source, column)

    def spec(self, term: str, dimension: str) -> Spec | None:
        """The spec that gives a term for a dimension; None where the mart does not keep it so."""
        for spec in self.specs:
            is_kept = dimension in spec.get("dimensions", {}) or (dimension == "all" and not spec.get("is_cut"))
            if term in spec["terms"] and is_kept:
                return spec
        return None

    def behind(self, connection: duckdb.DuckDBPyConnection, term: str, part: Part, before: Part | None) -> Behind:
        """The rows behind a term. `before` is the same segment of the period before, if the span holds it."""
        spec = self.spec(term, part.dimension)
        assert spec is not None, f"{self.name} does not keep {term} by {part.dimension}"
        if spec["shape"] == "previous":
            if before is None:
                return Behind(term, spec["from"], "of the period before, which began before the data", 0, 0, spec=spec)
            found = self.behind(connection, spec["terms"][term], before, None)
            found.term, found.what = term, f"{spec['terms'][term]} of the period before: {found.what}"
            return found
        self._gather(connection, spec, term, part)
        found = getattr(self, f"_{spec['shape']}")(connection, spec, term, part)
        found.spec, found.part = spec, part
        found.source, found.conditions = self._read_from(spec["from"])
        return found

    # --- the shapes of macros/kpi/terms.sql ---

    def _sums(self, connection: duckdb.DuckDBPyConnection, spec: Spec, term: str, part: Part) -> Behind:
        measure = spec["terms"][term].replace("{grain}", part.grain)
        return self._of_parts(connection, spec, term, measure, f"{one_line(measure)}, by {spec['day']}")

    def _given(self, connection: duckdb.DuckDBPyConnection, spec: Spec, term: str, part: Part) -> Behind:
        return self._of_parts(connection, spec, term, spec["terms"][term], one_line(spec["terms"][term]))

    def _of_parts(
        self, connection: duckdb.DuckDBPyConnection, spec: Spec, term: str, measure: str, what: str
    ) -> Behind:
        """Of an aggregate: what each row alone gives, and whether that adds up to what all of them give."""
        parts = f"select _row, {measure} as part from rows_of_term group by _row"
        of, rows, added = connection.execute(
            f"select count(*), count_if(part <> 0), coalesce(sum(part), 0) from ({parts})"
        ).fetchone()
        (total,) = connection.execute(f"select coalesce({measure}, 0) from rows_of_term").fetchone()
        is_sum = equal(added, total)
        return self._show(
            connection, Behind(term, spec["from"], what, added if is_sum else total, rows, of, is_sum),
            f"inner join ({parts}) as parts using (_row) where part <> 0", [f"part as {term}"],
        )

    def _distinct(self, connection: duckdb.DuckDBPyConnection, spec: Spec, term: str, part: Part) -> Behind:
        condition, entity = spec["terms"][term], spec["entity"]
        things = (
            f"select {entity}, min({spec['day']}) as first_day, count(*) as its_rows"
            f" from rows_of_term where {condition} group by {entity}"
        )
        (rows,) = connection.execute(f"select count(*) from ({things})").fetchone()
        what = f"distinct {entity}{'' if condition == 'true' else f' where {condition}'}, by {spec['day']}"
        cursor = connection.execute(f"{things} order by first_day, {entity} limit {ROWS_SHOWN}")
        names = [name for name, *_ in cursor.description]
        return Behind(term, spec["from"], what, rows, rows, columns=names, first=cursor.fetchall())

    def _rolling(self, connection: duckdb.DuckDBPyConnection, spec: Spec, term: str, part: Part) -> Behind:
        (rows,) = connection.execute("select count(*) from rows_of_term").fetchone()
        found = Behind(term, spec["from"], f"those that count on {part.last_day}", rows, rows)
        return self._show(connection, found, "where true")

    def _percentiles(self, connection: duckdb.DuckDBPyConnection, spec: Spec, term: str, part: Part) -> Behind:
        measure, fraction = spec["terms"][term]
        of, rows, total = connection.execute(
            f"select count(*), count({measure}), quantile_cont(cast({measure} as double), {fraction}) from rows_of_term"
        ).fetchone()
        what = f"{measure} below which {fraction:.0%} of the rows are, by {spec['day']}"
        at = int((rows - 1) * fraction) + 1  # the place of the row at or just below the percentile
        first = max(1, min(at + 1 - ROWS_SHOWN // 2, rows + 1 - ROWS_SHOWN))
        numbered = (
            f"(select *, row_number() over (order by {measure}, _row) as place from rows_of_term"
            f" where {measure} is not null)"
        )
        return self._show(
            connection, Behind(term, spec["from"], what, total, rows, of),
            f"where place between {first} and {first + ROWS_SHOWN - 1}", rows=numbered, order="place",
        )

    # --- what the shapes share ---

    def _gather(self, connection: duckdb.DuckDBPyConnection, spec: Spec, term: str, part: Part) -> None:
        """Writes the rows of a spec's relation that belong to a period and segment to the temporary table rows_of_term:
        their day, what tells one from the others, and the columns that the term names."""
        said = spec["terms"][term]
        wanted, computed = ["true"], ""
        if spec["shape"] == "rolling":
            starts, ends = said
            wanted.append(f"{starts} < {ends} and {starts} <= {_day(part.last_day)} and {ends} > {_day(part.last_day)}")
            computed = f", {starts} as counts_from, {ends} as counts_until"
        elif spec["shape"] == "given":
            wanted.append(
                f"period_grain = {sql_text(part.grain)} and period_start = {_day(part.start)}"
                f" and dimension = {sql_text(part.dimension)} and dimension_value = {sql_text(part.value)}"
            )
        else:
            wanted.append(in_period(spec["day"], part))
        if part.dimension != "all" and spec["shape"] != "given":
            wanted.append(in_segment(spec["dimensions"][part.dimension], part))
        names = self._columns_of(connection, spec["from"])
        named = set(re.findall(r"\w+", f"{said} {spec.get('entity')}"))
        keys = [name for name in names if name == "entity" or name.endswith(("_id", "_key"))][:KEYS_SHOWN]
        chosen = dict.fromkeys([*filter(None, [spec.get("day")]), *keys, *(name for name in names if name in named)])
        connection.execute(
            f"create or replace temporary table rows_of_term as {self._head}"
            f" select {', '.join(chosen)}, row_number() over () as _row{computed}"
            f" from {spec['from']} where {' and '.join(wanted)}"
        )

    def _columns_of(self, connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
        if relation not in self._columns:
            described = connection.execute(f"describe {self._head} select * from {relation}").fetchall()
            self._columns[relation] = [name for name, *_ in described]
        return self._columns[relation]

    def _show(
        self, connection: duckdb.DuckDBPyConnection, found: Behind, which: str, last: Sequence[str] = (),
        rows: str = "rows_of_term", order: str = "all",
    ) -> Behind:
        """Adds the first rows that count."""
        columns = ", ".join(["rows_of_term.* exclude (_row)", *last])
        cursor = connection.execute(
            f"select {columns} from {rows} as rows_of_term {which} order by {order} limit {ROWS_SHOWN}"
        )
        found.columns = [name for name, *_ in cursor.description]
        found.first = cursor.fetchall()
        return found

    def _read_from(self, relation: str) -> tuple[str, list[str]]:
        """The table that a relation is read from, and the conditions on the way, the first one first.

        Of a relation that joins several, or of a union, it is the first one, with the conditions on it.
        """
        conditions: list[str] = []
        source: exp.Expression = exp.to_table(relation)
        while isinstance(source, exp.Subquery) or source.name in self._relations:
            select = source.this if isinstance(source, exp.Subquery) else self._relations[source.name]
            if not isinstance(select, exp.Select):
                select = select.find(exp.Select)
            source = _main_source(select)
            conditions = [
                _sql(condition.transform(lambda node: exp.column(node.name) if isinstance(node, exp.Column) else node))
                for condition in _conjuncts(select)
                if all(column.table in ("", source.alias_or_name) for column in condition.find_all(exp.Column))
            ] + conditions
        return f"{source.db}.{source.name}", conditions


def _main_source(select: exp.Expression) -> exp.Expression:
    return (select.args.get("from_") or select.args["from"]).this


def _conjuncts(select: exp.Select) -> Iterator[exp.Expression]:
    where = select.args.get("where")
    if where:
        yield from where.this.flatten() if isinstance(where.this, exp.And) else [where.this]


def _sql(node: exp.Expression) -> str:
    """As the project writes SQL: keywords are small."""
    return re.sub(r"\b[A-Z]{2,}\b", lambda word: word[0].lower(), node.sql(dialect="duckdb", normalize_functions=False))


def one_line(sql: str) -> str:
    return " ".join(sql.split())


def equal(one: float | None, other: float | None) -> bool:
    """Whether two figures are the same but for the last bits of a double."""
    return one is other if one is None or other is None else isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def in_period(day: str, part: Part) -> str:
    """SQL: a row is dated by the period, and not before the span."""
    return f"{day} between {_day(max(part.start, part.span_start))} and {_day(part.last_day)}"


def in_segment(column: str, part: Part) -> str:
    """SQL: a row is of the segment, whose value is written as the marts do."""
    return f"coalesce(cast({column} as varchar), 'unknown') = {sql_text(part.value)}"



def _day(day: date) -> str:
    return f"date '{day}'"
