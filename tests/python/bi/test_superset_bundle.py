"""What bi/superset says of the release: its columns, its metrics, its charts and its connection, without Superset."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy
import yaml
from sqlalchemy.exc import DBAPIError

from ops.project import Settings
from ops.superset import BUNDLE, DATABASE, bundle, with_columns

Content = dict[str, Any]

D3_FORMAT = {"#,##0": ",d", "#,##0.00": ",.2f", "0.0%": ".1%", "0.00%": ".2%"}


def contents(folder: str) -> dict[str, Content]:
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in BUNDLE.glob(f"{folder}/*.yaml")}


DATASETS = {dataset["uuid"]: dataset for dataset in contents("datasets").values()}
CHARTS = contents("charts")
(DASHBOARD,) = contents("dashboards").values()


@pytest.fixture(scope="module")
def release(sample_release: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(sample_release.published), read_only=True) as connection:
        yield connection


@pytest.fixture(params=DATASETS.values(), ids=lambda dataset: dataset["table_name"])
def dataset(request: pytest.FixtureRequest) -> Content:
    return request.param


def names_of(dataset: Content) -> set[str]:
    return {column["column_name"] for column in dataset["columns"]} | {
        metric["metric_name"] for metric in dataset["metrics"]
    }


def filters_of(chart: Content) -> dict[str, Any]:
    return {condition["subject"]: condition["comparator"] for condition in chart["params"]["adhoc_filters"]}


def test_a_data_set_has_the_columns_of_the_release(dataset: Content, sample_release: Settings) -> None:
    assert with_columns(dataset, sample_release.published) == dataset, "stale: .venv/bin/python -m ops.superset columns"


def test_labels_tell_the_columns_apart(dataset: Content) -> None:
    labels = [column["verbose_name"] for column in dataset["columns"]]
    assert all(labels)
    # a column as it is written, beside the one that holds it as a number
    assert len(labels) == len(set(labels))


def test_metrics_show_nothing_where_several_rows_are_meant(
    dataset: Content, release: duckdb.DuckDBPyConnection
) -> None:
    one = "kpi_id = 'gmv' and month = '2026-09' and segment = 'all'"
    if dataset["table_name"] == "kpi_scorecard":
        one += " and period_grain = 'month'"
    for metric in dataset["metrics"]:
        if metric["metric_name"] == "kpis":  # a number of KPIs may be told of many rows
            continue
        (alone,) = release.execute(f"select {metric['expression']} from ({rows(dataset)}) where {one}").fetchone()
        (several,) = release.execute(f"select {metric['expression']} from ({rows(dataset)})").fetchone()
        assert (alone is not None, several) == (True, None), metric["metric_name"]


def rows(dataset: Content) -> str:
    """The rows of a data set, calculated columns included, as SQL."""
    columns = (column for column in dataset["columns"] if column["expression"])
    calculated = ", ".join(f"{column['expression']} as {column['column_name']}" for column in columns)
    return f"select *, {calculated} from {dataset['schema']}.{dataset['table_name']}"


def test_the_scorecard_writes_values_as_kpi_month_does(release: duckdb.DuckDBPyConnection) -> None:
    by_table = {dataset["table_name"]: rows(dataset) for dataset in DATASETS.values()}
    compared, different = release.execute(
        "select count(*), count(*) filter (where scorecard.value_text is distinct from months.value_text)"
        f" from ({by_table['kpi_scorecard']}) as scorecard inner join ({by_table['kpi_month']}) as months"
        " using (kpi_id, month, segment) where scorecard.period_grain = 'month' and months.value is not null"
    ).fetchone()
    assert compared > 1000
    assert different == 0


def test_targets_are_written_where_there_is_one(release: duckdb.DuckDBPyConnection) -> None:
    (scorecard,) = (rows(dataset) for dataset in DATASETS.values() if dataset["table_name"] == "kpi_scorecard")
    (untold,) = release.execute(
        f"select count(*) from ({scorecard}) where (target_text is null) != (target is null and target_low is null)"
    ).fetchone()
    assert untold == 0


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_a_chart_asks_for_what_its_data_set_has(chart: Content, release: duckdb.DuckDBPyConnection) -> None:
    known = names_of(DATASETS[chart["dataset_uuid"]])
    params = chart["params"]
    asked = {*params.get("all_columns", []), *params.get("metrics", []), *filters_of(chart)}
    asked |= {params[name] for name in ("metric", "x_axis") if name in params}
    asked |= {rule["column"] for rule in params.get("conditional_formatting", [])} | {*params.get("column_config", [])}
    assert asked <= known
    if kpi := filters_of(chart).get("kpi_id"):
        (unit,) = release.execute("select format from marts.dim_kpi where kpi_id = ?", [kpi]).fetchone()
        written = D3_FORMAT[unit]
        axis = {",.2f": ",.0f"}.get(written, written)  # an axis of money does without cents
        assert params["y_axis_format"] == (axis if chart["viz_type"] == "echarts_timeseries_line" else written)


def test_the_dashboard_shows_every_chart_and_filters_by_what_is_there(release: duckdb.DuckDBPyConnection) -> None:
    parts = (part for part in DASHBOARD["position"].values() if isinstance(part, dict))
    placed = {part["meta"]["uuid"] for part in parts if part["type"] == "CHART"}
    assert placed == {chart["uuid"] for chart in CHARTS.values()}
    for choice in DASHBOARD["metadata"]["native_filter_configuration"]:
        (target,) = choice["targets"]
        dataset = DATASETS[target["datasetUuid"]]
        assert target["column"]["name"] in names_of(dataset)
        for chosen in choice["defaultDataMask"]["filterState"].get("value", []):
            name = target["column"]["name"]
            assert release.execute(f"select 1 from ({rows(dataset)}) where {name} = ? limit 1", [chosen]).fetchone()


def test_the_connection_reads_the_release_and_nothing_else(sample_release: Settings, tmp_path: Path) -> None:
    # DuckDB refuses two configurations of one path at a time, and other tests have it open
    published = Path(shutil.copy2(sample_release.published, tmp_path / "marketplace.duckdb"))
    database = yaml.safe_load(bundle(published)[DATABASE])
    engine = sqlalchemy.create_engine(
        database["sqlalchemy_uri"], poolclass=sqlalchemy.pool.NullPool, **database["extra"]["engine_params"]
    )

    def ask(query: str) -> Any:
        with engine.connect() as connection:
            return connection.exec_driver_sql(query).scalar()

    assert ask("select count(*) from marts.kpi_month") > 0
    refused = {
        "delete from marts.kpi_month": "read-only",
        f"select count(*) from read_text('{BUNDLE / 'metadata.yaml'}')": "disabled",
        f"attach '{sample_release.warehouse}' as build": "disabled",
        "set enable_external_access = true": "lock",
    }
    for query, reason in refused.items():
        with pytest.raises(DBAPIError, match=reason):
            ask(query)
