"""The README knows the tree and what make can do."""

from __future__ import annotations

import re
import subprocess

import pytest

from ops.project import ROOT, Settings, kpis, read_artifact

README = (ROOT / "README.md").read_text(encoding="utf-8")
TREE = re.search(r"## Changing it\n\n```\n(.*?)```", README, re.DOTALL)[1]
MAPPED = re.findall(r"^(\S+/) ", TREE, re.MULTILINE)
FAMILY = "models/marts/<family>/"


def families() -> set[str]:
    return {f"models/marts/{mart.parent.name}/" for mart in ROOT.glob("models/marts/*/_*__metrics.yml")}


def test_the_map_of_the_tree_names_nothing_that_is_not_there() -> None:
    assert FAMILY in MAPPED
    assert [path for path in MAPPED if path != FAMILY and not (ROOT / path).is_dir()] == []


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no work tree of git")
def test_the_map_of_the_tree_leaves_no_folder_out() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    top = {f"{path.split('/')[0]}/" for path in listed if "/" in path and not path.startswith(".")}
    assert {folder for folder in top if not any(path.startswith(folder) for path in MAPPED)} == set()
    marts = {"/".join(path.split("/")[:3]) + "/" for path in listed if re.match("models/marts/[^/]+/", path)}
    assert marts - families() - set(MAPPED) == set()
    checks = {"/".join(path.split("/")[:2]) + "/" for path in listed if re.match("python_checks/[^/]+/", path)}
    named = {f"python_checks/{name}/" for name in re.findall(r"\b(\w+)/", TREE)}
    assert checks - named == set()


def test_make_knows_every_target_that_the_readme_names() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)) <= targets


def test_the_table_of_kpis_names_each_in_its_family(sample_release: Settings) -> None:
    table = re.search(r"\| family and question \| KPIs \|\n\|---\|---\|\n(.*?)\n\n", README, re.DOTALL)[1]
    told = {}
    for row in table.splitlines():
        family, names = re.fullmatch(r"\| \*\*(.+?)\*\* [^|]+ \| (.+) \|", row).groups()
        told[family] = re.findall(r"`(\w+)`", names)
    families = {"Market balance": "balance"}
    manifest = read_artifact(sample_release.target, "manifest.json")
    known: dict[str, list[str]] = {}
    for metric, kpi in kpis(manifest):
        if not kpi.get("is_custom"):
            known.setdefault(metric["config"]["group"], []).append(metric["name"])
    assert {families.get(name, name.lower().replace(" ", "_")): names for name, names in told.items()} == known
