"""What is said to be behind a number is: the rows give the terms, for every KPI, at every grain, for its segments."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from zlib import crc32

import duckdb
import pytest

from ops.explain import PERIODS, Build, Figure, as_text, explain, parse_period, starts_before, told, written
from ops.project import ROOT, ProjectError, Settings, open_build, read_artifact
from ops.terms import ROWS_SHOWN, Behind, equal

MONTH = {"KPI": "gmv", "PERIOD": "2026-10"}


@pytest.fixture(scope="module")
def build(sample_release: Settings) -> Iterator[Build]:
    with open_build(sample_release) as connection:
        yield Build(connection, sample_release, read_artifact(sample_release.target, "manifest.json"))


@pytest.fixture(scope="module")
def figures(build: Build) -> list[Figure]:
    """Every KPI as a whole and by each of its dimensions: the largest segment of the last period with a value, at a
    grain that is another one from KPI to KPI."""
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


Told = tuple[Figure, str, str, Behind]


@pytest.fixture(scope="module")
def behind(figures: list[Figure]) -> list[Told]:
    """Of each of them every term that is told: the figure, the side, its formula, the rows."""
    return [
        (figure, side.column, side.formula, rows)
        for figure in figures
        for side in figure.sides()
        for rows in side.behind
    ]


def test_every_kpi_is_explained_by_each_of_its_dimensions(build: Build, figures: list[Figure]) -> None:
    told_of = {(figure.kpi["kpi_id"], figure.part.dimension) for figure in figures}
    for kpi in build.rows("select kpi_id, dimensions from marts.dim_kpi"):
        assert {dimension for kpi_id, dimension in told_of if kpi_id == kpi["kpi_id"]} == {
            "all", *kpi["dimensions"].split()
        }
    assert {figure.part.grain for figure in figures} == set(PERIODS)


def test_the_rows_give_the_terms_of_kpi_values(behind: list[Told]) -> None:
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


def test_a_formula_of_terms_gives_what_is_shown(build: Build, behind: list[Told]) -> None:
    """Where a side is made of several terms; each is told with the first side that needs it."""
    totals: dict[int, dict[str, str]] = {}
    for figure, _, _, rows in behind:
        total = "null" if rows.total is None else f"cast({rows.total} as double)"
        totals.setdefault(id(figure), {})[rows.term] = total
    checked = set()
    for figure, column, formula in dict.fromkeys(found[:3] for found in behind):
        if formula:
            terms = ", ".join(f"{total} as {term}" for term, total in totals[id(figure)].items())
            (given,) = build.connection.execute(f"select {formula} from (select {terms})").fetchone()
            sides = {figure.inputs["numerator"]: "numerator", figure.inputs["denominator"]: "denominator"}
            assert equal(given, figure.values[0][sides.get(column, "value")]), (figure.kpi["kpi_id"], formula)
            checked.add(figure.kpi["kpi_id"])
    assert {"contribution_margin", "gross_margin_rate", "ltv_cac_ratio", "marketing_roi"} <= checked


def test_what_adds_up_is_shown_as_parts_that_add_up(behind: list[Told]) -> None:
    whole = 0
    for figure, _, _, rows in behind:
        shape = rows.spec["shape"]
        assert rows.is_sum or shape != "sums", (figure.kpi["kpi_id"], rows.term)
        if rows.is_sum and rows.rows == len(rows.first) > 0:
            whole += 1
            added = sum(row[-1] for row in rows.first)
            assert equal(float(added), float(rows.total)), (figure.kpi["kpi_id"], rows.term)
        if shape in ("distinct", "rolling"):
            assert len(rows.first) == min(rows.rows, ROWS_SHOWN)
    assert whole > 20


def test_the_rows_around_a_percentile_enclose_it(behind: list[Told]) -> None:
    found = [(rows, rows.spec["terms"][rows.term][0]) for *_, rows in behind if rows.spec["shape"] == "percentiles"]
    for rows, measure in found:
        values = [row[rows.columns.index(measure)] for row in rows.first]
        assert values == sorted(values)
        assert values[0] <= rows.total <= values[-1]
        assert len(rows.first) == min(rows.rows, ROWS_SHOWN)
    assert {rows.term for rows, _ in found} > {"median_order_value", "page_load_p75", "first_response_time_p90"}


def test_no_row_shows_a_personal_value(build: Build, behind: list[Told]) -> None:
    personal = {
        column["name"]
        for source in build.manifest["sources"].values()
        for column in source["columns"].values()
        if column["config"].get("meta", {}).get("pii")
    }
    personal = {name for name in personal if not name.endswith("_key")}  # those are published, as keys made of hashes
    assert personal
    hashes = {f"{name}_hash" for name in personal}
    shown = {column for *_, rows in behind for column in rows.columns}
    assert shown & (personal | hashes) == set()


@pytest.mark.parametrize(
    ("text", "grain", "start", "before", "year_before"),
    [
        ("2026", "year", "2026-01-01", "2025", "2025"),
        ("2026-Q1", "quarter", "2026-01-01", "2025-Q4", "2025-Q1"),
        ("2026-01", "month", "2026-01-01", "2025-12", "2025-01"),
        ("2026-W01", "week", "2025-12-29", "2025-W52", "2025-W01"),
        ("2026-03-01", "day", "2026-03-01", "2026-02-28", "2025-03-02"),
    ],
)
def test_a_period_and_those_before_it(text: str, grain: str, start: str, before: str, year_before: str) -> None:
    assert parse_period(text) == (grain, date.fromisoformat(start))
    assert written(grain, date.fromisoformat(start)) == text
    earlier = [written(grain, day) for day in starts_before(grain, date.fromisoformat(start))]
    assert earlier == [before, year_before]


@pytest.mark.parametrize("text", ["", "26", "2026-13", "2026-W54", "2026-Q5", "2026-02-30", "0000", "2026-1", "all"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ProjectError, match=f"^PERIOD: '{text}' is no YYYY"):
        parse_period(text)


@pytest.mark.parametrize(
    ("kpi", "period", "dimension", "value", "message"),
    [
        ("gmw", "2026-10", "", "", "KPI: there is no 'gmw'; near to it: gmv"),
        ("gmv", "2031", "", "", "PERIOD: 2031 has no row: the data of the build are those of 2"),
        ("gmv", "2026-10", "device", "app", "DIMENSION: gmv is not kept by 'device'; it is kept by country, "),
        ("contribution_margin", "2026-10", "country", "FR", "DIMENSION: .* it is kept for the whole only"),
        ("gmv", "2026-W40", "seller", "s00040", "PERIOD: by seller, gmv is kept for a month or quarter or year, not"),
        ("gmv", "2026-10", "country", "Fr", "VALUE: gmv has no row of country 'Fr' in 2026-10; there are .*FR"),
        ("gmv", "2026-10", "", "FR", "VALUE: 'FR' belongs to no dimension"),
        ("gmv", "2026-10", "country", "", "VALUE: say which country"),
        ("", "2026-10", "", "", "Say which: make explain KPI="),
    ],
)
def test_what_the_build_does_not_keep_is_refused(
    kpi: str, period: str, dimension: str, value: str, message: str, sample_release: Settings
) -> None:
    with pytest.raises(ProjectError, match=f"^{message}"):
        explain(sample_release, {"KPI": kpi, "PERIOD": period, "DIMENSION": dimension, "VALUE": value})


def test_a_build_of_other_code_is_refused(sample_release: Settings, tmp_path: Path) -> None:
    """The compiled SQL no longer gives what the build shows."""
    target = tmp_path / "target"
    shutil.copytree(sample_release.target / "compiled", target / "compiled")
    shutil.copy2(sample_release.target / "manifest.json", target)
    settings = replace(sample_release, target=target)
    [mart] = target.glob("compiled/*/models/marts/sales/kpi_sales.sql")
    compiled = mart.read_text(encoding="utf-8")
    for now, message in [
        (compiled.replace("where is_paid", "where not is_paid", 1), "gmv of kpi_sales is .*, its rows give "),
        (compiled.replace("where is_paid", "where is_payed", 1), "is_payed"),
        (compiled.replace("kpi_terms:", "terms:"), "does not say what its terms are made of"),
    ]:
        assert now != compiled
        mart.write_text(now, encoding="utf-8")
        with pytest.raises(ProjectError, match=f"(?s){message}.*make build"):
            explain(settings, MONTH)
    mart.unlink()
    with pytest.raises(ProjectError, match="is not there: run `make build`"):
        explain(settings, MONTH)


def test_without_a_build_there_is_nothing_to_explain(sample_release: Settings, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"none\.duckdb is not there: run `make build`"):
        explain(replace(sample_release, warehouse=tmp_path / "none.duckdb"), MONTH)
    with pytest.raises(ProjectError, match=r"manifest\.json is not there"):
        explain(replace(sample_release, target=tmp_path), MONTH)


def test_what_is_left_out_is_counted(build: Build) -> None:
    """Against counts of its own: the day's orders that are unpaid, for testing, or wholly cancelled or refused."""
    (day,) = build.connection.execute(
        "select ordered_on from intermediate.int_orders left join marts.fct_orders using (order_id, ordered_on)"
        " group by ordered_on having count_if(not is_counted) > 0"
        " and count_if(is_counted and not int_orders.is_paid) > 0 and count_if(fct_orders.is_paid and not is_valid) > 0"
        " order by ordered_on desc limit 1"
    ).fetchone()
    counts = build.connection.execute(
        "select count_if(is_test), count_if(not coalesce(is_test, false) and paid_at is null)"
        " from staging.stg_orders where cast(timezone('Europe/Paris', timezone('UTC', ordered_at)) as date) = ?", [day],
    ).fetchone()
    (cancelled,) = build.connection.execute(
        "select count(*) from (select order_id from marts.fct_order_lines where ordered_on = ? and is_paid"
        " group by order_id having not bool_or(acceptance_status <> 'refused' and not is_cancelled))", [day],
    ).fetchone()
    lines = list(told(Figure(build, "aov", str(day))))
    left = "\n".join(lines[lines.index("Left out") :])
    assert f"orders in {day}: {counts[0]} for testing" in left
    assert f"fct_orders in {day}: {counts[1]} unpaid" in left
    [rejected] = build.rows("select count(*) as n from marts.rejected_rows where table_name = 'orders'")
    assert f"orders in the whole build: {rejected['n']} of " in left
    assert "ad_spend" not in left
    lines = list(told(Figure(build, "new_buyers", str(day))))
    assert f"{counts[1]} unpaid, {cancelled} cancelled or refused" in "\n".join(lines)


def test_a_period_before_the_data_is_said(build: Build) -> None:
    [span] = build.rows("select span_start from intermediate.int_span")
    lines = list(told(Figure(build, "retention_rate", written("month", span["span_start"].replace(day=1)))))
    assert "previous_period_buyers: of the period before, which began before the data" in lines
    assert "No value, which is not 0: there is nothing to divide by or to measure." in lines


def test_what_cannot_be_known_is_said(sample_release: Settings, tmp_path: Path) -> None:
    """A KPI whose input is absent: no rows are shown for what nobody counted."""
    copy = replace(sample_release, warehouse=tmp_path / sample_release.warehouse.name)
    shutil.copy2(sample_release.warehouse, copy.warehouse)
    with duckdb.connect(str(copy.warehouse)) as connection:
        connection.execute(
            "insert into intermediate.int_kpi_gaps values ('aov', 'month', date '2026-10-01', 'a.b|c', true, null)"
        )
        connection.execute(
            "update marts.kpi_values set value = null, numerator = null, denominator = null, is_covered = false"
            " where kpi_id = 'aov' and period_grain = 'month' and period_start = date '2026-10-01'"
        )
    lines = explain(copy, {"KPI": "aov", "PERIOD": "2026-10"})
    assert "No value, which is not 0: it needs a.b or c, of which there is nothing." in lines
    assert not any("read from" in line for line in lines)


def test_the_command_line(sample_release: Settings) -> None:
    """`make explain` prints a figure with its terms; what is asked wrongly ends with code 3 and one sentence."""

    def run(**asked: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "ops.explain"], cwd=ROOT, env={**sample_release.environment, **asked},
            capture_output=True, text=True, check=False,
        )

    done = run(KPI="aov", PERIOD="2026-10", DIMENSION="country", VALUE="FR")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("aov in 2026-10, country FR\n")
    assert done.stderr == ""
    wrong = run(KPI="aov", PERIOD="October")
    assert (wrong.returncode, wrong.stdout) == (3, "")
    assert wrong.stderr == "PERIOD: 'October' is no YYYY, YYYY-Qn, YYYY-MM, YYYY-Wnn or YYYY-MM-DD.\n"


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1234.5, "#,##0.00", "1,234.50"), (0.1234, "0.0%", "12.3%"), (0.1234, "0.00%", "12.34%"), (3.14, "0.0", "3.1"),
        (12.0, "", "12"), (12.5, "", "12.50"), (None, "0.0%", "-"), (1e6, "#,##0", "1,000,000"),
    ],
)
def test_numbers_are_written_as_dim_kpi_says(value: float | None, form: str, text: str) -> None:
    assert as_text(value, form) == text


def test_the_readme_shows_what_is_printed(sample_release: Settings) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    asked, shown = re.search(r"make explain (.*)\n```(?:.|\n)*?```text\n((?:.|\n)*?)```", readme).groups()
    printed = explain(sample_release, dict(pair.split("=") for pair in asked.split()))
    assert [line for line in shown.splitlines() if line not in printed] == []


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        (
            "late_shipment_rate 2026-10 category kitchen",
            [
                "Target: 12.00% or less, warn beyond 14.40%, alert beyond 24.00% (Management: Buyers' promise",
                "Status: alert, the target is missed (-18.61 pp; + is better, - worse), beyond the alert level.",
                "Not told: the values of late_shipment_rate by category do not add up to the whole.",
            ],
        ),
        ("ad_spend 2026-10", ["Target: 1,377.42 to 2,066.12, alert outside by more than 344.35", "Status: warn, "]),
        ("aov 2026-10", ["Target: none is set.", "Status: no_target, there is nothing to judge by."]),
        (
            "gmv 2026-10-12",
            [
                "364 days before: 2025-10-13",
                "Target: none; days are not judged (kpi_scorecard has no row).",
                "Not told: kpi_drivers holds weeks, months and quarters, no day.",
            ],
        ),
        ("aov 2026-10 country FR", ["Target: none; this segment has no target (kpi_scorecard has no row)."]),
        ("gmv 2026-08", ["Status: warn, ", "Not told: kpi_drivers holds the latest final month only, 2026-10."]),
        ("median_order_value 2026-10", ["Not told: kpi_drivers has no month of median_order_value; it needs two"]),
    ],
)
def test_target_status_and_what_is_not_told_are_said(build: Build, asked: str, lines: list[str]) -> None:
    printed = " ".join(" ".join(told(Figure(build, *asked.split()))).split())
    assert [line for line in lines if line not in printed] == []


def test_what_to_do_is_that_of_the_scorecard(build: Build) -> None:
    [row] = build.rows(
        "select recommended_action, owner from marts.kpi_scorecard where kpi_id = 'late_shipment_rate'"
        " and period_grain = 'month' and period_start = date '2026-10-01' and dimension_value = 'kitchen'"
    )
    printed = " ".join(" ".join(told(Figure(build, "late_shipment_rate", "2026-10", "category", "kitchen"))).split())
    assert f"What to do ({row['owner']}): {row['recommended_action']}" in printed


def test_a_reader_that_stops_reading_is_no_error(sample_release: Settings) -> None:
    command = f"{sys.executable} -m ops.explain | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env={**sample_release.environment, **MONTH},
        capture_output=True, text=True, check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
