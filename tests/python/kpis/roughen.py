"""Makes clean extracts rough: everything that the contract allows and tidy data never shows, and some rows it rejects.

Optional values go missing, references point elsewhere or nowhere, enumerated words and texts change rows, times are
out of order and written in other ways, rows come twice with other content, in any order. The contract (the
sources' YAML) says which column is what, so that a new column is roughened too.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from ops.project import ROOT

MISSING = [0, 0.02, 0.1, 0.3]  # share of the values of an optional column that go missing
MOVED = 0.04  # share of texts, words, references and times that are another row's
AGAIN = 50  # one row in so many is delivered again, with another row's content
STRANGERS = ["nobody", "O'Brien", "a|b", "ünknown"]
ODD = ["a|b", "b", "|b", "#1", "|1", "unknown", "all", " FR ", ""]  # texts that look like keys and segments of ours
WRITINGS = [
    lambda moment: moment.astimezone(dt.timezone(dt.timedelta(hours=2))).isoformat(),
    lambda moment: moment.astimezone(dt.timezone(dt.timedelta(hours=-3, minutes=-30))).isoformat(sep=" "),
    lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S.123456"),
    lambda moment: moment.strftime("%Y-%m-%dT%H:%MZ"),
    lambda moment: moment.strftime("%Y-%m-%d"),
]


def contract(table: str) -> dict[str, dict[str, Any]]:
    """Per column of a table its type and what its contract says; `refers_to` what its staging model is tested for."""
    staging = ROOT / "models" / "staging"
    [source] = yaml.safe_load((staging / "sources.yml").read_text(encoding="utf-8"))["sources"]
    [found] = [node for node in source["tables"] if node["name"] == table]
    columns = {
        column["name"]: {"type": column["data_type"], **column.get("config", {}).get("meta", {})}
        for column in found["columns"]
    }
    [model] = yaml.safe_load((staging / "native" / f"stg_{table}.yml").read_text(encoding="utf-8"))["models"]
    for column in model.get("columns", []):
        [target] = re.findall(r"ref\('(stg_\w+)'\)", str(column["data_tests"]))
        columns[column["name"]]["refers_to"] = target
    return columns


def roughen(clean: Path, rough: Path, seed: int) -> None:
    """Writes every table of the folder `clean` to `rough` as one CSV file each; the same for the same seed."""
    chance = np.random.default_rng(seed)
    tables = {}
    for path in sorted(clean.glob("*.csv")) + sorted(path for path in clean.iterdir() if path.is_dir()):
        files = sorted(path.rglob("*.csv")) if path.is_dir() else [path]
        tables[path.stem] = pl.concat([pl.read_csv(file, infer_schema=False) for file in files])
    rough.mkdir(parents=True)
    for table, rows in tables.items():
        columns = {name: rule for name, rule in contract(table).items() if name in rows.columns}
        for name, rule in columns.items():
            # whether a target is good hangs on all its columns together
            if not rule.get("key") and table != "kpi_targets":
                rows = rows.with_columns(pl.Series(name, _rough(rows[name].to_list(), rule, tables, chance), pl.String))
        key = [name for name, rule in columns.items() if rule.get("key")]
        again, other = (rows.sample(max(1, len(rows) // AGAIN), seed=seed + n, with_replacement=True) for n in (0, 1))
        rows = pl.concat([rows, other.with_columns(again[name] for name in key)])
        rows.sample(fraction=1, shuffle=True, seed=seed).write_csv(rough / f"{table}.csv")


def _rough(
    values: list[str | None], rule: dict[str, Any], tables: dict[str, pl.DataFrame], chance: np.random.Generator
) -> list[str | None]:
    """The values of a column, made rough as its rule allows."""
    values = list(values)

    def change(share: float, others: Sequence[str | None]) -> None:
        for place in np.flatnonzero(chance.random(len(values)) < share):
            values[place] = others[chance.integers(len(others))]

    if rule["type"] in ("string", "timestamp", "bigint", "boolean"):
        change(MOVED, list(values))
    if rule.get("form") == "currency":
        change(MOVED / 8, ["eur"])
    elif rule["type"] == "string" and "values" not in rule and "refers_to" not in rule:
        change(MOVED / 4, ODD)
    if "values" in rule:
        change(MOVED, rule["values"])
    if "refers_to" in rule:
        referred = tables.get(rule["refers_to"].removeprefix("stg_"))
        change(MOVED, referred.to_series(0).to_list() if referred is not None else STRANGERS)
        change(MOVED / 4, STRANGERS)
    if rule["type"] == "timestamp":
        for place in np.flatnonzero(chance.random(len(values)) < MOVED):
            if values[place]:
                moment = dt.datetime.fromisoformat(values[place].replace("Z", "+00:00"))
                values[place] = WRITINGS[chance.integers(len(WRITINGS))](moment)
    if not rule.get("required"):
        change(MISSING[chance.integers(len(MISSING))], [None])
    return values
