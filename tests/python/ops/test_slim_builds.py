"""Builds of what changed only, by docs/guides/slim-builds.md, in a copy of the project beside the sample's build."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ops.project import ROOT, Settings, read_artifact

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "guides" / "slim-builds.md").read_text(encoding="utf-8")
LIST, BUILD = (shlex.split(line)[1:] for line in re.findall(r"^dbt .*--state build/state.*$", PAGE, re.MULTILINE))

Run = Callable[..., str]


@pytest.fixture(scope="module")
def project(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what dbt reads, with the sample's build and what dbt wrote about it as the state."""
    copy = tmp_path_factory.mktemp("slim")
    for name in ("models", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("python"))
    for name in ("macros", "seeds", "extracts", "dbt_project.yml", "profiles.yml", "selectors.yml"):
        (copy / name).symlink_to(ROOT / name)
    (copy / "build" / "state").mkdir(parents=True)
    shutil.copy2(sample_release.target / "manifest.json", copy / "build" / "state")
    (copy / "build" / "test").symlink_to(ROOT / "build" / "test")  # another path would be another setting
    return copy


@pytest.fixture(scope="module")
def run(project: Path, sample_release: Settings, run_dbt: Callable[..., subprocess.CompletedProcess]) -> Run:
    paths = {name: sample_release.environment[name] for name in ("LANDING_DIR", "WAREHOUSE_DB")}

    def run(*arguments: str) -> str:
        # the target slim throughout: with another one dbt parses everything anew
        done = run_dbt(project, "--quiet", *arguments, "--target", "slim", project=project, **paths)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    return run


def listed(told: str) -> set[str]:
    return {line.split(".")[-1] for line in told.splitlines() if line.startswith("marketplace_kpis.")}


def below(manifest: dict, name: str) -> set[str]:
    """The models that come of one, itself included."""
    found, waiting = set(), [f"model.marketplace_kpis.{name}"]
    while waiting:
        node = waiting.pop()
        if node.startswith("model.") and node not in found:
            found.add(node)
            waiting += manifest["child_map"][node]
    return {node.split(".")[-1] for node in found}


def test_nothing_changed_and_nothing_is_selected(run: Run) -> None:
    assert listed(run(*LIST)) == set()


def test_a_changed_family_is_built_alone_with_what_is_below_it(
    project: Path, run: Run, sample_release: Settings
) -> None:
    mart = project / "models" / "marts" / "sales" / "kpi_sales.sql"
    before = mart.read_text(encoding="utf-8")
    mart.write_text(before + "\n-- changed\n", encoding="utf-8")
    try:
        manifest = read_artifact(sample_release.target, "manifest.json")
        assert listed(run(*LIST)) == below(manifest, "kpi_sales")
        # the mart and what reads it next are enough to build; the examples are run by the tests of the examples
        shorter = [f"{word}1" if word == "state:modified+" else word for word in BUILD]
        run(*shorter, "--exclude-resource-type", "unit_test")
    finally:
        mart.write_text(before, encoding="utf-8")
    with duckdb.connect(str(project / "build" / "slim.duckdb")) as slim:
        built = {row[0] for row in slim.execute("select table_name from duckdb_tables()").fetchall()}
        children = manifest["child_map"]["model.marketplace_kpis.kpi_sales"]
        assert built == {"kpi_sales", *(node.split(".")[-1] for node in children if node.startswith("model."))}
        slim.execute(f"attach '{sample_release.published}' as release (read_only)")
        for table in ("kpi_sales", "kpi_values"):
            one, two = f"(from slim.marts.{table})", f"(from release.marts.{table})"
            counted = f"select count(*) from (({one} except all {two}) union all ({two} except all {one}))"
            assert slim.execute(counted).fetchone() == (0,), table


def test_what_dbt_cannot_see_is_as_the_page_tells(project: Path, run: Run) -> None:
    changes = {
        "models/marts/kpi/custom_kpis.yml": ("label: Sales kept", "label: Sales that stay"),
        "models/staging/sources.yml": ("values: [consumer, business]", "values: [consumer, firm]"),
    }
    before = {path: (project / path).read_text(encoding="utf-8") for path in changes}
    try:
        for path, (old, new) in changes.items():
            assert old in before[path]
            (project / path).write_text(before[path].replace(old, new, 1), encoding="utf-8")
        told = run("ls", "--select", "state:modified+", "--state", "build/state")
        found = re.findall(r"^(?:\w+:)?marketplace_kpis\..*", told, re.MULTILINE)
        assert found == ["metric:marketplace_kpis.kept_sales_rate"]
        page = re.search(r"`(tag:\w+\+)`", PAGE)[1]
        assert listed(run(*LIST[:2], page, *LIST[2:])) >= {"dim_kpi", "kpi_values", "kpi_scorecard"}
    finally:
        for path, text in before.items():
            (project / path).write_text(text, encoding="utf-8")
