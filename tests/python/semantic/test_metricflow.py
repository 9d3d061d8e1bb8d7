"""MetricFlow's answers on the sample, held against kpi_values: what docs/semantic-layer.md promises, KPI by KPI."""

from __future__ import annotations

import math
import re
import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from ops.project import ROOT, Settings, kpis, linked_project, read_artifact

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "semantic-layer.md").read_text(encoding="utf-8")
BATCH = 12  # metrics a query
# Where a dimension of kpi_values has another name, for all facts or for KPIs of buyers.
DIMENSION = {"seller": "seller_id", "campaign": "campaign_id"}
BUYERS_DIMENSION = {"country": "customer_country", "region": "customer_region", "channel": "first_order_channel"}
BUYER_KPIS = {"period_buyers", "new_buyers"}
UNSPANNED = {"new_sellers"}  # sellers may be validated before the span begins, which metrics do not know
RETURNING_BY_CHANNEL = ("returning_order_share", "channel")  # loyalty cuts orders by the buyer's first channel


class Client:
    """What MetricFlow asks of a database to write SQL for it; the SQL runs on a connection of the test."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


class Layer:
    """The sample's semantic layer, and what its release says."""

    def __init__(self, sample: Settings) -> None:
        manifest = read_artifact(sample.target, "manifest.json")
        text = (sample.target / "semantic_manifest.json").read_text(encoding="utf-8")
        semantic = parse_manifest_from_dbt_generated_manifest(text)
        self.metrics = {metric["name"]: metric for metric in manifest["metrics"].values()}
        self.kpis = {metric["name"]: kpi for metric, kpi in kpis(manifest)}
        self.dimensions: dict[str, list[str]] = {}
        self.models = {model.name: model for model in semantic.semantic_models}
        self.saved = {query.name: query.query_params for query in semantic.saved_queries}
        self.engine = MetricFlowEngine(
            semantic_manifest_lookup=SemanticManifestLookup(semantic), sql_client=Client()
        )
        self.release = duckdb.connect(str(sample.published), read_only=True)
        self.build = duckdb.connect(str(sample.warehouse), read_only=True)
        for name, dimensions in self.release.execute("select kpi_id, dimensions from marts.dim_kpi").fetchall():
            self.dimensions[name] = dimensions.split()

    def models_of(self, name: str) -> set[str]:
        """The semantic models that a metric's terms are read from."""
        metric = self.metrics[name]
        parameters = metric["type_params"]
        if metric["type"] == "simple":
            return {parameters["metric_aggregation_params"]["semantic_model"]}
        inputs = [parameters[side] for side in ("numerator", "denominator") if parameters[side]]
        return set().union(*(self.models_of(used["name"]) for used in [*inputs, *(parameters["metrics"] or [])]))

    def from_facts(self) -> list[str]:
        return [name for name in self.kpis if not any(model.startswith("kpi_") for model in self.models_of(name))]

    def answers(self, names: list[str], group_by: list[str], saved: str | None = None) -> dict[str, dict[tuple, float]]:
        """Per metric what MetricFlow answers that is not null, by the values it is grouped by (null: unknown). With the
        name of a saved query that one is asked."""
        asked = {"saved_query_name": saved} if saved else {"metric_names": names, "group_by_names": group_by}
        request = MetricFlowQueryRequest.create(**asked)
        cursor = self.build.execute(self.engine.explain(request).sql_statement.sql)
        columns = [column[0] for column in cursor.description]
        found: dict[str, dict[tuple, float]] = {name: {} for name in names}
        for row in cursor.fetchall():
            values = dict(zip(columns, row, strict=True))
            key = tuple(_shown(values[column]) for column in group_by)
            for name in names:
                if values[name] is not None:
                    found[name][key] = float(values[name])
        return found

    def published(self, name: str, grain: str, dimension: str) -> dict[tuple, tuple[float | None, float | None]]:
        """Per period, and segment unless the dimension is all: numerator and value."""
        rows = self.release.execute(
            "select strftime(period_start, '%Y-%m-%d'), dimension_value, numerator, value from marts.kpi_values"
            " where kpi_id = ? and period_grain = ? and dimension = ?", [name, grain, dimension],
        ).fetchall()
        return {
            (start,) if dimension == "all" else (start, segment): (numerator, value)
            for start, segment, numerator, value in rows
        }

    def differences(self, names: Iterable[str], grain: str, dimension: str = "all", column: str = "") -> list[str]:
        """A line for each value on which MetricFlow and kpi_values disagree."""
        names, wrong = list(names), []
        group_by = [f"metric_time__{grain}", *([column] if column else [])]
        for start in range(0, len(names), BATCH):
            wrong += self.unlike(self.answers(names[start:start + BATCH], group_by), grain, dimension)
        return wrong

    def unlike(self, answers: dict[str, dict[tuple, float]], grain: str, dimension: str) -> list[str]:
        """A line for each value of these answers that kpi_values has otherwise."""
        wrong = []
        span_begins = min(self.published("orders", "day", "all"))[0]
        for name, answered in answers.items():
            said = self.published(name, grain, dimension)
            assert said, f"{name} by {dimension} is not published"
            for key in sorted({*said, *answered}):
                numerator, value = said.get(key, (None, None))
                is_known = name not in UNSPANNED or key[0] >= span_begins
                if is_known and not _agree(answered.get(key), numerator, value):
                    wrong.append(f"{name} {key}: {answered.get(key)}, published {value}")
        return wrong


def _shown(value: object) -> str:
    return "unknown" if value is None else str(value)[:10] if hasattr(value, "year") else str(value)


def _agree(answer: float | None, numerator: float | None, value: float | None) -> bool:
    if answer is None:
        return value is None or numerator == 0
    return value is not None and math.isclose(answer, value, rel_tol=1e-9, abs_tol=1e-12)


@pytest.fixture(scope="module")
def layer(sample_release: Settings) -> Layer:
    return Layer(sample_release)


def test_every_kpi_is_answered_by_month(layer: Layer) -> None:
    assert layer.differences(layer.kpis, "month") == []


@pytest.mark.parametrize("grain", ["day", "week", "quarter", "year"])
def test_kpis_of_the_facts_are_answered_at_every_grain(layer: Layer, grain: str) -> None:
    assert layer.differences(layer.from_facts(), grain) == []


def test_kpis_of_one_fact_are_answered_by_each_dimension_it_has(layer: Layer) -> None:
    asked: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in layer.from_facts():
        (model, *others) = layer.models_of(name)
        for dimension in layer.dimensions[name] if not others else []:
            column = DIMENSION.get(dimension, dimension)
            if name in BUYER_KPIS or (name, dimension) == RETURNING_BY_CHANNEL:
                column = BUYERS_DIMENSION.get(dimension, dimension)
            semantic = layer.models[model]
            if column in {found.name for found in semantic.dimensions}:
                entity = semantic.primary_entity or next(
                    found.name for found in semantic.entities if found.type.value == "primary"
                )
                asked[dimension, f"{entity}__{column}"].append(name)
    wrong = []
    for (dimension, column), names in asked.items():
        wrong += layer.differences(names, "month", dimension, column)
    assert wrong == []
    assert sum(map(len, asked.values())) > 200


def test_saved_queries_are_answered_as_published(layer: Layer) -> None:
    wrong = []
    for saved, query in layer.saved.items():
        # TimeDimension('metric_time', 'month') is answered in the column metric_time__month
        month, *segment = columns = ["__".join(re.findall(r"'(\w+)'", given)) for given in query.group_by]
        assert month == "metric_time__month", saved
        dimension = segment[0].split("__")[-1] if segment else "all"
        wrong += layer.unlike(layer.answers(query.metrics, columns, saved), "month", dimension)
    assert wrong == []


def test_the_page_names_each_saved_query(layer: Layer) -> None:
    section = PAGE.split("## Saved queries")[1].split("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(layer.saved)


def test_the_page_names_each_term_that_the_facts_cannot_give(layer: Layer) -> None:
    table = PAGE.split("## Terms that the facts cannot give")[1]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = re.findall(r"`(\w+)`", " ".join(rows))
    of_marts = {
        name for name, metric in layer.metrics.items()
        if metric["type"] == "simple" and any(model.startswith("kpi_") for model in layer.models_of(name))
    }
    assert sorted(named) == sorted(of_marts)


def test_a_wrong_answer_is_told(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    true = layer.answers(["aov"], ["metric_time__month"])
    month = next(iter(true["aov"]))
    true["aov"][month] *= 1 + 1e-6
    monkeypatch.setattr(layer, "answers", lambda names, group_by: true)
    assert [line.split(":")[0] for line in layer.differences(["aov"], "month")] == [f"aov {month}"]
    del true["aov"][month]
    assert len(layer.differences(["aov"], "month")) == 1


def test_the_command_line_validates_and_answers_as_the_page_shows(copy_of_sample: Settings, tmp_path: Path) -> None:
    project = linked_project(tmp_path / "project", copy_of_sample.target)
    environment = {
        **copy_of_sample.environment, "DBT_PROFILES_DIR": str(project), "DBT_PROJECT_DIR": str(project),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
    }
    queries = [shlex.split(line) for line in PAGE.splitlines() if line.startswith("mf query")]
    assert queries
    for command in [["mf", "validate-configs"], *queries]:
        done = subprocess.run(
            [Path(sys.executable).with_name("mf"), *command[1:]],  # as in an activated environment
            cwd=project, env=environment, capture_output=True, text=True, check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        assert "ERRORS: 0, FUTURE_ERRORS: 0, WARNINGS: 0" in done.stdout or command[1] == "query", done.stdout[-3000:]
