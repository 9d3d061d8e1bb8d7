"""Where the project lies, how a build is asked for, and what dbt wrote about it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ROOT = Path(__file__).resolve().parents[1]

# Nothing the project runs reports home, and dbt finds its profile from any working folder.
QUIET = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "DBT_PROFILES_DIR": str(ROOT),
    "DBT_PROJECT_DIR": str(ROOT),
}


class ProjectError(Exception):
    """Something the user can put right; the message says what and where."""


@dataclass(frozen=True)
class Settings:
    """What the environment asks a build for. Relative paths count from the project's root, as in dbt itself."""

    extracts: Path
    connector: str
    warehouse: Path
    published: Path
    target: Path
    environment: dict[str, str]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the variables of the README; an empty one counts as unset. Raises ProjectError on a bad value."""
        given = {name: value for name, value in environment.items() if value != ""}
        paths = {
            name: ROOT / given.get(name, default)
            for name, default in {
                "EXTRACTS_DIR": "extracts/sample",
                "WAREHOUSE_DB": "build/warehouse.duckdb",
                "PUBLISHED_DB": "published/marketplace.duckdb",
                "DBT_TARGET_PATH": "target",
            }.items()
        }
        settings = cls(
            extracts=paths["EXTRACTS_DIR"],
            connector=given.get("CONNECTOR", "native"),
            warehouse=paths["WAREHOUSE_DB"],
            published=paths["PUBLISHED_DB"],
            target=paths["DBT_TARGET_PATH"],
            environment={**given, **{name: str(path) for name, path in paths.items()}, **QUIET},
        )
        settings._check(given)
        return settings

    def _check(self, given: Mapping[str, str]) -> None:
        if not self.extracts.is_dir():
            raise ProjectError(f"EXTRACTS_DIR: {self.extracts} is not a folder.")
        if self.warehouse.resolve() == self.published.resolve():
            raise ProjectError(f"WAREHOUSE_DB and PUBLISHED_DB are the same file: {self.published}.")
        if "AS_OF" in given and not _is_date(given["AS_OF"]):
            raise ProjectError(f"AS_OF: {given['AS_OF']!r} is not a day written YYYY-MM-DD.")
        if "BUSINESS_TIMEZONE" in given and not _is_timezone(given["BUSINESS_TIMEZONE"]):
            raise ProjectError(f"BUSINESS_TIMEZONE: {given['BUSINESS_TIMEZONE']!r} is not a known time zone.")
        if "REPORTING_CURRENCY" in given and not re.fullmatch("[A-Z]{3}", given["REPORTING_CURRENCY"]):
            raise ProjectError(f"REPORTING_CURRENCY: {given['REPORTING_CURRENCY']!r} is not three capital letters.")


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def read_artifact(target: Path, name: str) -> dict[str, Any]:
    """One of the JSON files that dbt wrote to its target folder. Raises ProjectError when it is not there."""
    path = target / name
    if not path.is_file():
        raise ProjectError(f"{path} is not there: run `dbt build` (or `make build`) first.")
    return json.loads(path.read_text(encoding="utf-8"))


def models(manifest: Mapping[str, Any], layer: str = "") -> list[dict[str, Any]]:
    """The enabled models of one layer (a folder below models/, such as `marts`), or all; in order of name."""
    folder = f"models/{layer}/" if layer else "models/"
    nodes = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    chosen = (node for node in nodes if node["original_file_path"].startswith(folder))
    return sorted(chosen, key=lambda node: node["name"])


def contracted(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models stg_<table> of the input contract, each with the columns and the config that its source gives them.

    A personal column stands as it does in the warehouse, as the hash <name>_hash.
    """
    contracts = {
        source["name"]: source for source in manifest["sources"].values() if source["source_name"] == "extracts"
    }
    found = []
    for model in models(manifest, "staging/native"):
        contract = contracts[model["name"].removeprefix("stg_")]
        columns = {}
        for column in contract["columns"].values():
            name = column["name"] + ("_hash" if column["config"].get("meta", {}).get("pii") else "")
            columns[name] = {**column, "name": name}
        found.append({**model, "columns": columns, "config": contract["config"]})
    return found


def kpis(manifest: Mapping[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The metrics that are KPIs, in order of name, each with its governance (config.meta.kpi)."""
    metrics = sorted(manifest["metrics"].values(), key=lambda metric: metric["name"])
    governed = ((metric, metric["config"].get("meta", {}).get("kpi")) for metric in metrics)
    return [(metric, kpi) for metric, kpi in governed if kpi is not None]
