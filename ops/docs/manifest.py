"""What the pages need to know of dbt's manifest: lineage, keys and joins of published tables, exposures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ops.project import models

# They look at every input, to tell which days are covered and which KPI can be known. A fact made of orders would come
# from all files through them.
OVER_ALL_INPUTS = {
    "int_span", "int_feeds", "int_feed_days", "int_inputs", "int_input_rows", "int_kpi_gaps", "int_periods",
}
ASKED = {"key": "key", "required": "row", "must_be_delivered": "column"}
BOUNDS = {"min": "≥", "above": ">", "max": "≤"}
JOINS_TO = re.compile(r"Joins to `(\w+)`")


def name_of(unique_id: str) -> str:
    """The last part of dbt's id: the name of a model, source table or metric."""
    return unique_id.rpartition(".")[2]


def dbt_page(unique_id: str) -> str:
    """Where dbt's own page shows a node."""
    return f"static_index.html#!/{unique_id.partition('.')[0]}/{unique_id}"


def node_of(manifest: Mapping[str, Any], name: str) -> str | None:
    """The id of the model or seed of this name."""
    found = (key for key in manifest["nodes"] if key.startswith(("model.", "seed.")) and name_of(key) == name)
    return next(found, None)


def sources_of(manifest: Mapping[str, Any], unique_id: str) -> list[str]:
    """The ids of the delivered tables that a model is made from, near or far; in order of name."""
    parents, seen, waiting = manifest["parent_map"], set(), [unique_id]
    while waiting:
        for parent in parents.get(waiting.pop(), []):
            if parent not in seen and name_of(parent) not in OVER_ALL_INPUTS:
                seen.add(parent)
                waiting.append(parent)
    delivered = manifest["sources"]
    return sorted(
        (key for key in seen if key in delivered and not delivered[key]["config"].get("meta", {}).get("landing")),
        key=name_of,
    )


def terms_of(manifest: Mapping[str, Any], metric: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The metrics that a metric divides, adds or subtracts, each once, nearest first."""
    metrics, found, waiting = manifest["metrics"], {}, [metric]
    while waiting:
        for parent in waiting.pop(0)["depends_on"]["nodes"]:
            if parent in metrics and parent not in found:
                found[parent] = metrics[parent]
                waiting.append(metrics[parent])
    return list(found.values())


def contract(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tables of the input contract, in its own order: name, description, is_required, columns and checks.

    A column says by `asked` whether it is part of the key, asked for in every row, or to be delivered (row, column, or
    nothing where it is optional), and by `allowed` which values it takes, in words.
    """
    found = []
    for source in manifest["sources"].values():
        meta = source["config"].get("meta", {})
        if source["source_name"] == "extracts" and not meta.get("landing"):
            found.append({
                "name": source["name"],
                "description": source["description"],
                "is_required": bool(meta.get("required")),
                "columns": [_column(column) for column in source["columns"].values()],
                "checks": meta.get("checks", []),
            })
    return found


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    meta = column["config"].get("meta", {})
    asked = next((word for rule, word in ASKED.items() if meta.get(rule)), "")
    allowed = [", ".join(map(str, meta["values"]))] if "values" in meta else []
    allowed += ["three capital letters"] if meta.get("form") == "currency" else []
    allowed += [f"{sign} {meta[rule]}" for rule, sign in BOUNDS.items() if rule in meta]
    allowed += ["may lie in the future"] if meta.get("may_be_future") else []
    return {
        "name": column["name"], "type": column["data_type"], "description": column["description"], "asked": asked,
        "allowed": allowed, "is_personal": bool(meta.get("pii")),
    }


def joins(manifest: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Table, column and the table it joins to, of the published tables: as descriptions of columns and the entities of
    semantic models say."""
    tables = {node["name"]: node for node in published(manifest)}
    found = [
        (name, column["name"], target)
        for name, node in tables.items()
        for column in node["columns"].values()
        for target in JOINS_TO.findall(column["description"])
    ]
    entities = [
        (model["node_relation"]["alias"], entity)
        for model in manifest["semantic_models"].values() for entity in model["entities"]
    ]
    homes = {entity["name"]: table for table, entity in entities if entity["type"] == "primary"}
    found += [
        (table, entity["expr"] or entity["name"], homes[entity["name"]])
        for table, entity in entities if entity["type"] == "foreign" and entity["name"] in homes
    ]
    return [join for join in dict.fromkeys(found) if join[2] in tables and join[2] != join[0]]


def published(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models that a release holds."""
    return models(manifest, "marts")


def exposures(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Who uses the release: boards, reports, applications; in order of type and name."""
    return sorted(manifest["exposures"].values(), key=lambda exposure: (exposure["type"], exposure["name"]))
