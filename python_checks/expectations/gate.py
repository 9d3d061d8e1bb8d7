"""Runs the suites against a build and tells whether it may be published."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when Great Expectations is imported

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.core.batch import Batch
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.expectations.expectation import Expectation

from ops.project import contracted, duckdb_config, kpis, memory_limit, models
from python_checks.expectations.dialect import connection_string
from python_checks.expectations.suites import ExpectNoRows, Rules, expectations, kpi_bounds, staged_rules


@dataclass(frozen=True)
class Verdict:
    """What one expectation came to. `error` is set when it could not be computed, which counts as failed."""

    expectation: str
    passed: bool
    error: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TableResult:
    """The verdicts on one table. `problem` is set when it could not be judged at all; `notes` are no verdicts."""

    schema: str
    table: str
    verdicts: tuple[Verdict, ...] = ()
    problem: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def failures(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if not verdict.passed]

    @property
    def passed(self) -> bool:
        return not self.problem and not self.failures


class Gate:
    """The suites of a project, ready to judge one build file, which is opened read-only."""

    def __init__(self, database: Path, manifest: Mapping[str, Any], suites: Mapping[str, Rules]) -> None:
        self._manifest = manifest
        self._suites = suites
        logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # every exception is reported below
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        self._source: SQLDatasource = context.data_sources.add_sql(
            database.stem,
            connection_string=connection_string(str(database)),
            create_temp_table=False,
            kwargs={
                "connect_args": {
                    "read_only": True,
                    "config": duckdb_config(memory_limit(), database.with_name(f"{database.name}.expectations.tmp")),
                }
            },
        )

    def run(self) -> Iterator[TableResult]:
        """Judge every table, staged ones first, then the canaries; a result as soon as it is there."""
        published = models(self._manifest, "marts")
        governed = kpis(self._manifest)
        for model in contracted(self._manifest):
            yield self._judge(model, staged_rules(model))
        for model in published:
            if model["name"] in self._suites:
                rules = self._suites[model["name"]]
                between = {**kpi_bounds(model, governed), **rules.get("between", {})}
                yield self._judge(model, {**rules, "between": between})
            else:
                yield TableResult(model["schema"], model["name"], problem="a published table without a suite")
        for name in sorted(self._suites.keys() - {model["name"] for model in published}):
            yield TableResult("marts", name, problem="a suite for a table that is not published")
        yield self._canaries()

    def _judge(self, model: Mapping[str, Any], rules: Rules) -> TableResult:
        started = time.monotonic()
        if not model["columns"]:
            return TableResult(model["schema"], model["name"], problem="no columns in its YAML to hold it to")
        try:
            asset = self._source.add_table_asset(model["name"], table_name=model["alias"], schema_name=model["schema"])
            batch = asset.get_batch(asset.build_batch_request())
            verdicts = tuple(_verdicts(batch, expectations(model, rules)))
            self._source.delete_asset(asset.name)  # all that are known are written anew with each one
        except Exception as error:  # whatever stops a table from being judged stops the release
            return TableResult(model["schema"], model["name"], problem=_first_line(error))
        return TableResult(model["schema"], model["name"], verdicts, seconds=time.monotonic() - started)

    def _canaries(self) -> TableResult:
        """Expectations known to be wrong, one of each kind. One that passes shows that nothing is being checked."""
        asset = self._source.add_query_asset("canary", query="select cast(null as integer) as missing, 9 as nine")
        batch = asset.get_batch(asset.build_batch_request())
        no_rows = "select * from {batch}"
        wrong = [
            (gxe.ExpectColumnValuesToNotBeNull(column="missing"), "null is not null", "missing values"),
            (gxe.ExpectColumnValuesToBeInSet(column="nine", value_set=[8]), "9 is one of 8", "unknown words"),
            (gxe.ExpectColumnValuesToBeBetween(column="nine", max_value=8), "9 is at most 8", "values out of bounds"),
            (ExpectNoRows(unexpected_rows_query=no_rows), "one row is none", "rows that must not be"),
        ]
        for expectation, claim, _ in wrong:
            expectation.description = claim
        verdicts = _verdicts(batch, [expectation for expectation, _, _ in wrong])
        sung = {verdict.expectation for verdict in verdicts if not verdict.passed and not verdict.error}
        silent = len(wrong) - len(sung)
        return TableResult(
            "",
            "canaries",
            problem=f"{silent} canaries did not fail as they must" if silent else "",
            notes=tuple(
                f'"{claim}", wrong on purpose, failed as intended: {fault} would be noticed'
                for _, claim, fault in wrong
                if claim in sung
            ),
        )


def _verdicts(batch: Batch, suite: list[Expectation]) -> Iterator[Verdict]:
    """Validate cheaply first, then once more with details what failed."""
    named = gx.ExpectationSuite(name=batch.data_asset.name, expectations=suite)
    results = batch.validate(named, result_format="BOOLEAN_ONLY")
    failed = []
    for result in results.results:
        expectation = result.expectation_config.to_domain_obj()
        error = _exception(result.exception_info)
        if result.success or error:
            yield Verdict(_words(expectation), bool(result.success) and not error, error)
        else:
            failed.append(expectation)
    for expectation in failed:
        result = batch.validate(expectation, result_format={"result_format": "BASIC", "partial_unexpected_count": 5})
        yield Verdict(_words(expectation), False, details=dict(result.result))


def _exception(info: Mapping[str, Any] | None) -> str:
    """The message of an exception that Great Expectations caught; it nests one record per metric, or none."""
    if not info:
        return ""
    records = [info] if "raised_exception" in info else info.values()
    return "; ".join(_first_line(record["exception_message"]) for record in records if record["raised_exception"])


def _first_line(error: object) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), repr(error))


def _words(expectation: Expectation) -> str:
    return expectation.description or expectation.configuration.type
