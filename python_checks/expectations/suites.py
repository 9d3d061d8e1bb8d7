"""From a table's rules to its Great Expectations suite.

A suite file holds, table by table, these words, each optional:

    rows: 1                       at least so many rows
    key: [order_id]               not null, and unique together
    unique: [order_id, category]  unique together, where one of them may be null
    not_null: [customer_id]
    values: {status: [open, done]}          null is allowed unless the column is in not_null
    between: {rating: [1, 5]}               either end may be null for none
    never:                        what no row may be: a sentence, and the SQL condition that finds such a row
      a net value above the value: net_value > line_value
    like: .period_mart            all of another entry's rules too; an entry whose name has a dot in front is no table
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import great_expectations.expectations as gxe
import yaml
from great_expectations.expectations.expectation import Expectation

from ops.project import ProjectError

SUITES = Path(__file__).parent / "suites"
WORDS = ("like", "rows", "key", "unique", "not_null", "values", "between", "never")
TIMES = (datetime(1990, 1, 1), datetime(2100, 12, 31, 23, 59, 59, 999999))
NEVER_NEGATIVE = ("count", "milliseconds", "seconds", "hours", "days")
Rules = dict[str, Any]


class ExpectNoRows(gxe.UnexpectedRowsExpectation):
    """Expects a query to find nothing. Counts only, where its parent runs every query twice to show the rows too."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(self, metrics: dict, runtime_configuration: Any = None, execution_engine: Any = None) -> dict:
        found = metrics["unexpected_rows_query.row_count"]
        return {"success": found == 0, "result": {"observed_value": found, "unexpected_count": found}}


def read_suites(folder: Path = SUITES) -> dict[str, Rules]:
    """The rules of every published table, by its name. Raises ProjectError for an unknown word or a table twice."""
    entries: dict[str, Rules] = {}
    for path in sorted(folder.glob("*.yml")):
        for table, rules in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            if table in entries:
                raise ProjectError(f"{path}: {table} has a suite already.")
            if unknown := set(rules) - set(WORDS):
                raise ProjectError(f"{path}, {table}: unknown words {sorted(unknown)}; known are {list(WORDS)}.")
            entries[table] = rules
    return {table: _with_likeness(rules, entries) for table, rules in entries.items() if not table.startswith(".")}


def _with_likeness(rules: Rules, entries: Mapping[str, Rules]) -> Rules:
    """The rules with those of the entry they are like: lists and sentences add up."""
    merged = dict(entries.get(rules.get("like", ""), {}))
    for word, told in rules.items():
        if isinstance(told, dict):
            merged[word] = {**merged.get(word, {}), **told}
        elif isinstance(told, list):
            merged[word] = [*merged.get(word, []), *told]
        else:
            merged[word] = told
    return merged


def staged_rules(model: Mapping[str, Any]) -> Rules:
    """The rules of a staged table (ops.project.contracted), from its contract, which is what loading enforces."""
    meta = {column["name"]: column["config"].get("meta", {}) for column in model["columns"].values()}
    table = model["config"].get("meta", {})
    key = [name for name, column in meta.items() if column.get("key")]
    never = {}
    for name, column in meta.items():
        if "above" in column:
            never[f"{name} not above {column['above']}"] = f'"{name}" <= {column["above"]}'
    for check in table.get("checks", []):
        never[f"{check['column']} {check['reason']}"] = f"not ({check['holds']})"
    if parent := table.get("must_exist"):
        never[f"{parent['column']} that is not in {parent['in']}"] = (
            f'"{parent["column"]}" not in (select "{parent["column"]}" from {model["schema"]}.stg_{parent["in"]})'
        )
    between = {name: [column.get("min"), column.get("max")] for name, column in meta.items()}
    for column in model["columns"].values():
        if column["data_type"] == "timestamp":
            between[column["name"]] = list(TIMES)
    return {
        "rows": 1 if table.get("required") else 0,
        "key": key,
        "not_null": [name for name, column in meta.items() if column.get("required") and name not in key],
        "values": {name: column["values"] for name, column in meta.items() if "values" in column},
        "between": {name: ends for name, ends in between.items() if ends != [None, None]},
        "never": never,
    }


def kpi_bounds(model: Mapping[str, Any], kpis: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, list[Any]]:
    """Between what the KPI columns of a family's mart lie: their metrics' bounds; counts and durations from 0."""
    return {
        metric["name"]: kpi.get("bounds", [0, None])
        for metric, kpi in kpis
        if model["name"] == f"kpi_{metric['config'].get('group')}"
        and metric["name"] in model["columns"]
        and ("bounds" in kpi or kpi["unit"] in NEVER_NEGATIVE)
    }


def expectations(model: Mapping[str, Any], rules: Rules) -> list[Expectation]:
    """The suite of one table: its rules, and that its columns are those of the contract and hold only numbers."""
    return [
        ExpectNoRows(unexpected_rows_query=_other_columns(model), description="columns and types are the contract's"),
        *_numbers(model),
        *_written(rules),
    ]


def _written(rules: Rules) -> list[Expectation]:
    key = rules.get("key", [])
    written: list[Expectation] = []
    if least := rules.get("rows"):
        written.append(gxe.ExpectTableRowCountToBeBetween(min_value=least, description=f"at least {least} rows"))
    if unique := key or rules.get("unique", []):
        columns = ", ".join(f'"{column}"' for column in unique)
        written.append(
            ExpectNoRows(
                unexpected_rows_query=f"select {columns} from {{batch}} group by {columns} having count(*) > 1",
                description=f"{' and '.join(unique)} {'is' if len(unique) == 1 else 'are together'} unique",
            )
        )
    for column in [*key, *rules.get("not_null", [])]:
        written.append(gxe.ExpectColumnValuesToNotBeNull(column=column, description=f"{column} is never null"))
    for column, values in rules.get("values", {}).items():
        words = f"{column} is one of {', '.join(map(str, values))}"
        written.append(gxe.ExpectColumnValuesToBeInSet(column=column, value_set=values, description=words))
    for column, (low, high) in rules.get("between", {}).items():
        ends = [f"{word} {end}" for word, end in (("at least", low), ("at most", high)) if end is not None]
        words = f"{column} is {' and '.join(ends)}"
        written.append(
            gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, description=words)
        )
    written += [_never(sentence, condition) for sentence, condition in rules.get("never", {}).items()]
    return written


def _never(sentence: str, condition: str) -> Expectation:
    query = f"select * from {{batch}} where {condition}"
    return ExpectNoRows(unexpected_rows_query=query, description=f"never {sentence}")


def _numbers(model: Mapping[str, Any]) -> list[Expectation]:
    """NaN and infinity pass as not null and spoil every sum."""
    doubles = [column["name"] for column in model["columns"].values() if _type(column) == "DOUBLE"]
    if not doubles:
        return []
    is_number = " and ".join(f'coalesce(isfinite("{name}"), true)' for name in doubles)
    return [_never("NaN or infinity", f"not ({is_number})")]


def _other_columns(model: Mapping[str, Any]) -> str:
    """Finds each column that the table has and the contract lacks, the other way round, or of another type."""
    contract = ", ".join(f"('{column['name']}', '{_type(column)}')" for column in model["columns"].values())
    return f"""
        select * from (values {contract}) as contract(name, type)
        full join (
            select column_name as name, column_type as type from (describe select * from {{batch}})
        ) as found using (name, type)
        where contract.name is null or found.name is null"""


def _type(column: Mapping[str, Any]) -> str:
    """The engine's own name of a contract's type."""
    name = column["data_type"].upper().replace(" ", "")
    return {"STRING": "VARCHAR", "INT": "INTEGER"}.get(name, name)
