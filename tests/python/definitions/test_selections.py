"""Tags and selectors choose what their names say; reads_definitions marks what metrics reach past dbt's graph."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import yaml

from ops.project import ROOT, Settings, models, read_artifact

SELECTORS = yaml.safe_load((ROOT / "selectors.yml").read_text(encoding="utf-8"))["selectors"]
READERS = {"macro.marketplace_kpis.kpi_definitions", "macro.marketplace_kpis.kpis_by_column"}
TARGETS = "macro.marketplace_kpis.target_checks"  # every base model could call it, one does
LIST = """
import json, sys
from dbt.cli.main import dbtRunner
parsed = dbtRunner().invoke(["parse", "--quiet"])
dbt = dbtRunner(manifest=parsed.result)
found = {}
for name in sys.argv[2:]:
    listed = dbt.invoke(["ls", "--quiet", "--selector", name, "--resource-type", "model", "--output", "name"])
    found[name] = listed.result
with open(sys.argv[1], "w") as file:
    json.dump(found, file)
"""


@pytest.fixture(scope="module")
def manifest(sample_release: Settings) -> dict[str, Any]:
    return read_artifact(sample_release.target, "manifest.json")


def tagged(manifest: dict[str, Any], tag: str) -> set[str]:
    return {model["name"] for model in models(manifest) if tag in model["tags"]}


@pytest.mark.parametrize("area", ["decisions", "sellers", "journeys"])
def test_a_tag_holds_the_marts_of_an_area_and_their_helpers(manifest: dict[str, Any], area: str) -> None:
    marts, helpers = models(manifest, f"marts/{area}"), models(manifest, f"intermediate/{area}")
    assert marts and helpers
    assert tagged(manifest, area) == {model["name"] for model in [*marts, *helpers]}


def test_the_tag_core_holds_facts_and_dimensions(manifest: dict[str, Any]) -> None:
    assert tagged(manifest, "core") == {model["name"] for model in models(manifest, "marts/core")} != set()


def test_the_tag_kpis_holds_every_family_and_what_gathers_them(manifest: dict[str, Any]) -> None:
    groups = {metric["config"].get("group") for metric in manifest["metrics"].values()} - {None}
    families = {f"kpi_{group}" for group in groups} & {model["name"] for model in models(manifest, "marts")}
    assert tagged(manifest, "kpis") == {*families, "kpi_values", "dim_kpi"}


def test_the_tag_reads_definitions_holds_each_model_that_reads_metrics(manifest: dict[str, Any]) -> None:
    def reads(macros: list[str], seen: set[str]) -> bool:
        for macro in macros:
            if macro in READERS:
                return True
            if macro != TARGETS and macro not in seen:
                seen.add(macro)
                if reads(manifest["macros"][macro]["depends_on"]["macros"], seen):
                    return True
        return False

    readers = {model["name"] for model in models(manifest) if reads(model["depends_on"]["macros"], set())}
    assert tagged(manifest, "reads_definitions") == {*readers, "base_kpi_targets"}


def test_a_selector_holds_its_part_and_all_it_comes_from(
    manifest: dict[str, Any], sample_release: Settings, tmp_path: Any
) -> None:
    names = [selector["name"] for selector in SELECTORS]
    assert names == [selector["definition"]["value"] for selector in SELECTORS]
    environment = {
        **sample_release.environment, "PATH": os.environ["PATH"], "WAREHOUSE_DB": ":memory:",
        "DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path / "logs"),
    }
    done = subprocess.run(
        [sys.executable, "-c", LIST, str(tmp_path / "listed.json"), *names],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "listed.json").read_text(encoding="utf-8"))
    for selector in SELECTORS:
        part = tagged(manifest, selector["definition"]["value"])
        whole, waiting = set(), [f"model.marketplace_kpis.{name}" for name in part]
        while waiting:
            node = waiting.pop()
            if node.startswith("model.") and node not in whole:
                whole.add(node)
                waiting += manifest["parent_map"][node]
        assert part and set(found[selector["name"]]) == {node.split(".")[-1] for node in whole}, selector["name"]
