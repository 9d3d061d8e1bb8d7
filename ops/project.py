"""Where the project lies, how a build is asked for, and what dbt wrote about it."""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]

# Nothing the project runs reports home, and dbt finds its profile from any working folder.
QUIET = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "DBT_PROFILES_DIR": str(ROOT),
    "DBT_PROJECT_DIR": str(ROOT),
}


PATHS = {
    "EXTRACTS_DIR": "extracts/sample",
    "LANDING_DIR": "build/landing",
    "WAREHOUSE_DB": "build/warehouse.duckdb",
    "PUBLISHED_DB": "published/marketplace.duckdb",
    "DBT_TARGET_PATH": "target",
}

SPILL_WITHOUT_LIMIT = "1000TB"  # DuckDB would stop at 90 % of the free disk, with a message about memory
SHARE_FOR_PYTHON = 512 * 2**20  # what a process that runs DuckDB needs beside it: dbt and its manifest, the largest
UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
MEMORY_AT_LEAST = 256 * 2**20


class ProjectError(Exception):
    """Something the user can put right; the message says what and where. As it stands: wrong use."""


class DataRefused(ProjectError):
    """The delivered data are the reason why nothing was published."""


class CheckFailed(ProjectError):
    """A check, the code or the machine is the reason why nothing was published."""


@dataclass(frozen=True)
class Settings:
    """What the environment asks a build for. Relative paths count from the project's root, as in dbt itself."""

    extracts: Path
    landing: Path
    connector: str
    warehouse: Path
    published: Path
    target: Path
    memory_limit: int
    max_rejected_share: float
    environment: dict[str, str]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the variables of the README; an empty one counts as unset. Raises ProjectError on a bad value."""
        given = {name: value for name, value in environment.items() if value != ""}
        paths = {name: ROOT / given.get(name, default) for name, default in PATHS.items()}
        settings = cls(
            extracts=paths["EXTRACTS_DIR"],
            landing=paths["LANDING_DIR"],
            connector=given.get("CONNECTOR", "native"),
            warehouse=paths["WAREHOUSE_DB"],
            published=paths["PUBLISHED_DB"],
            target=paths["DBT_TARGET_PATH"],
            memory_limit=memory_limit(given),
            max_rejected_share=_share(given.get("MAX_REJECTED_SHARE", "0.05")),
            environment={**_without_defaults(given), **QUIET},
        )
        settings._check(given)
        return settings

    @property
    def spill(self) -> Path:
        """Where DuckDB puts what does not fit into memory; a build removes every `<build file>*.tmp` when it ends."""
        return self.warehouse.with_name(f"{self.warehouse.name}.tmp")

    def _check(self, given: Mapping[str, str]) -> None:
        if not self.extracts.is_dir():
            raise ProjectError(f"EXTRACTS_DIR: {self.extracts} is not a folder.")
        if self.connector not in (known := connectors()):
            raise ProjectError(f"CONNECTOR: {self.connector!r} is none of {', '.join(known)}.")
        if self.warehouse.resolve() == self.published.resolve():
            raise ProjectError(f"WAREHOUSE_DB and PUBLISHED_DB are the same file: {self.published}.")
        if self.landing.resolve() == self.extracts.resolve():
            raise ProjectError(f"EXTRACTS_DIR and LANDING_DIR are the same folder: {self.landing}.")
        if "AS_OF" in given and not _is_date(given["AS_OF"]):
            raise ProjectError(f"AS_OF: {given['AS_OF']!r} is not a day written YYYY-MM-DD.")
        if "BUSINESS_TIMEZONE" in given and not _is_timezone(given["BUSINESS_TIMEZONE"]):
            raise ProjectError(f"BUSINESS_TIMEZONE: {given['BUSINESS_TIMEZONE']!r} is not a known time zone.")
        if "REPORTING_CURRENCY" in given and not re.fullmatch("[A-Z]{3}", given["REPORTING_CURRENCY"]):
            raise ProjectError(f"REPORTING_CURRENCY: {given['REPORTING_CURRENCY']!r} is not three capital letters.")


def _without_defaults(given: Mapping[str, str]) -> dict[str, str]:
    """The variables as dbt alone would have them: to dbt, a default that is written out or a path written otherwise is
    another setting, and it parses everything anew."""
    kept = dict(given)
    for name, default in PATHS.items():
        path = ROOT / given.get(name, default)
        kept[name] = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
        if kept[name] == default:
            del kept[name]
    return kept


def connectors() -> list[str]:
    """The shapes of extracts that the project reads, `native` first."""
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    return ["native", *project["vars"]["connectors"]]


def memory_limit(environment: Mapping[str, str] = os.environ) -> int:
    """How many bytes of memory a process of the build may use: MEMORY_LIMIT, by default half of the machine's.

    Written 6GB, 8GiB, 512MB or 60% (of the machine's memory). Raises ProjectError on anything else.
    """
    text = environment.get("MEMORY_LIMIT", "").strip() or "50%"
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+|%)", text):
        number, unit = float(match[1]), match[2].upper()
        if unit == "%" and 0 < number <= 100:
            return int(machine_memory() * number / 100)
        if unit in UNITS:
            if (limit := int(number * UNITS[unit])) < MEMORY_AT_LEAST:
                raise ProjectError(f"MEMORY_LIMIT: {text} is too little; a build needs at least 256MiB.")
            return limit
    raise ProjectError(f"MEMORY_LIMIT: {text!r} is not an amount of memory such as 6GB, 8GiB, 512MB or 60%.")


def machine_memory(cgroups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes of memory this process can have at most: the machine's, or less where its cgroup (a container) says so."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    places = {cgroups / "memory.max", cgroups / "memory" / "memory.limit_in_bytes"}
    for line in own.read_text().splitlines() if own.is_file() else []:
        _, controllers, path = line.split(":", 2)
        version_1 = "memory" in controllers.split(",")
        if version_1 or not controllers:
            root = cgroups / "memory" if version_1 else cgroups
            group = root / path.lstrip("/")
            name = "memory.limit_in_bytes" if version_1 else "memory.max"
            places |= {folder / name for folder in (group, *group.parents) if folder.is_relative_to(root)}
    for place in places:
        try:
            found.append(int(place.read_text()))
        except (OSError, ValueError):  # no such group, or `max`
            continue
    return min(found)


def duckdb_memory(limit: int) -> str:
    """What DuckDB may use of a process's memory limit, as DuckDB writes it: the rest is Python's."""
    return f"{max(limit - SHARE_FOR_PYTHON, limit // 2) // 2**10}KiB"


def duckdb_config(limit: int, spill: Path) -> dict[str, str]:
    """The configuration of a DuckDB connection that keeps to a process's memory limit and spills to `spill`."""
    return {
        "memory_limit": duckdb_memory(limit),
        "temp_directory": str(spill),
        "max_temp_directory_size": SPILL_WITHOUT_LIMIT,
    }


@contextmanager
def open_build(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file, to be read. Raises ProjectError when it is not there or a build is writing it."""
    if not settings.warehouse.is_file():
        raise ProjectError(f"{settings.warehouse} is not there: run `make build` first.")
    config = duckdb_config(settings.memory_limit, settings.spill)
    try:
        connection = duckdb.connect(str(settings.warehouse), read_only=True, config=config)
    except duckdb.IOException as error:  # another program has it open for writing
        raise ProjectError(str(error)) from None
    with connection:
        yield connection


def no_such(what: str, name: str, known: Iterable[str]) -> ProjectError:
    """What to say of a name that is none of those known."""
    near = difflib.get_close_matches(name, known, 3)
    return ProjectError(f"{what}: there is no {name!r}" + (f"; near to it: {', '.join(near)}." if near else "."))


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ProjectError(f"MAX_REJECTED_SHARE: {text!r} is not a share between 0 and 1, such as 0.05.")
    return share


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


def sql_name(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def sql_text(value: object) -> str:
    """A text, or a path, as SQL writes it."""
    return "'" + str(value).replace("'", "''") + "'"


def linked_project(folder: Path, target: Path) -> Path:
    """The project as a new folder of links with the target/ of another build: where `mf` looks for its manifest."""
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name not in ("target", "logs", "build", ".git"):
            (folder / path.name).symlink_to(path)
    (folder / "target").symlink_to(target)
    return folder


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


def model_keys(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """The columns that identify a row of a model, by the model's name, as its test keys_hold has them."""
    found = {}
    for test in manifest["nodes"].values():
        about = test.get("test_metadata") if test["resource_type"] == "test" else None
        if about and about["name"] == "keys_hold" and test.get("attached_node"):
            found[test["attached_node"].split(".")[-1]] = about["kwargs"]["key"]
    return found


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


def replace_folder(new: Path, folder: Path) -> None:
    """Put a finished folder in the place of the one before; a reader in between finds one or the other for all but an
    instant."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    new.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
