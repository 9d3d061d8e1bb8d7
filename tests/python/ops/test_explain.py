"""What is said to be behind a number is: the rows give the terms, for every KPI, at every grain, for its segments."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import duckdb
import pytest

from ops.explain import PERIODS, Build, Figure, as_text, explain, parse_period, starts_before, told, written
from ops.project import ROOT, ProjectError, Settings, open_build, read_artifact
from ops.terms import Behind, equal

MONTH = {"KPI": "gmv", "PERIOD": "2026-10"}


@pytest.fixture(scope="module")
def build(sample_release: Settings) -> Iterator[Build]:
    with open_build(sample_release) as connection:
        yield Build(connection, sample_release, read_artifact(sample_release.target, "manifest.json"))


@pytest.fixture(scope="module")
def figures(build: Build) -> list[Figure]:
    """Every KPI as a whole and by each of its dimensions: the largest segment of the last period with a value, at a grain
    that is another one from KPI to KPI."""
    latest = build.rows(
        "select * from marts.kpi_values where value is not null qualify row_number() over ("
        "partition by kpi_id, dimension, period_grain"
        " order by period_start desc, coalesce(sample_size, numerator) desc, dimension_value) = 1"
    )
    by_segment: dict[tuple[str, str], list[dict]] = {}
    for row in sorted(latest, key=lambda row: (row["kpi_id"], row["dimension"], row["period_grain"])):
        by_segment.setdefault((row["kpi_id"], row["dimension"]), []).append(row)
    chosen = [rows[crc32("/".join(segment).encode()) % len(rows)] for segment, rows in by_segment.items()]
    return [
        Figure(
            build, row["kpi_id"], written(row["period_grain"], row["period_start"]),
            row["dimension"], row["dimension_value"],
        )
        for row in chosen
    ]


@pytest.fixture(scope="module")
def behind(figures: list[Figure]) -> list[tuple[Figure, str, str, Behind]]:
    """Of each of them every term that is told: the figure, the side, its formula, the rows."""
    return [
        (figure, side.column, side.formula, rows) for figure in figures for side in figure.sides() for rows in side.behind
    ]


def test_every_kpi_is_explained_by_each_of_its_dimensions(build: Build, figures: list[Figure]) -> None:
    told_of = {(figure.kpi["kpi_id"], figure.part.dimension) for figure in figures}
    for kpi in build.rows("select kpi_id, dimensions from marts.dim_kpi"):
        assert {dimension for kpi_id, dimension in told_of if kpi_id == kpi["kpi_id"]} == {
            "all", *kpi["dimensions"].split()
        }
    assert {figure.part.grain for figure in figures} == set(PERIODS)


def test_the_rows_give_the_terms_of_kpi_values(behind: list[tuple[Figure, str, str, Behind]]) -> None:
    wrong, seen = [], set()
    for figure, column, formula, rows in behind:
        if formula:
            continue
        value = figure.values[0]
        term = value["denominator"] if column == figure.inputs["denominator"] else value["numerator"]
        if rows.spec["shape"] == "percentiles":
            given, published = (rows.total, rows.rows), (value["value"], value["sample_size"])
        else:
            given, published = (rows.total,), (term,)
        seen.add(rows.spec["shape"])
        if not all(map(equal, given, published)):
            wrong.append((figure.kpi["kpi_id"], figure.part, column, given, published))
    assert wrong == []
    assert seen == {"sums", "distinct", "rolling", "percentiles", "given"}


def test_a_formula_of_terms_gives_what_is_shown(build: Build, behind: list[tuple[Figure, str, str, Behind]]) -> None:
    """Where a side is made of several terms; each is told with the first side that needs it."""
    totals: dict[int, dict[str, str]] = {}
    for figure, _, _, rows in behind:
        totals.setdefault(id(figure), {})[rows.term] = f"cast({rows.total} as double)" if rows.total is not None else "null"
    checked = 0
    for figure, column, formula in dict.fromkeys((figure, column, formula) for figure, column, formula, _ in behind):
        if formula:
            terms = ", ".join(f"{total} as {term}" for term, total in totals[id(figure)].items())
            (given,) = build.connection.execute(f"select {formula} from (select {terms})").fetchone()
            value = figure.values[0]
            sides = {figure.inputs["numerator"]: "numerator", figure.inputs["denominator"]: "denominator"}
            assert equal(given, value[sides.get(column, "value")]), (figure.kpi["kpi_id"], figure.part, formula)
            checked += 1
    assert checked > 5


def test_what_adds_up_is_shown_as_parts_that_add_up(behind: list[tuple[Figure, str, str, Behind]]) -> None:
    few = 0
    for figure, _, _, rows in behind:
        if rows.spec["shape"] == "sums":
            assert rows.is_sum, (figure.kpi["kpi_id"], rows.term)
        if rows.is_sum and rows.rows == len(rows.first) > 0:
            few += 1
            assert equal(float(sum(row[-1] for row in rows.first)), float(rows.total)), (figure.kpi["kpi_id"], rows.term)
        if rows.spec["shape"] in ("distinct", "rolling"):
            assert len(rows.first) == min(rows.rows, 20)
    assert few > 20
