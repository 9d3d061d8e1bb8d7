"""Guides keep their word: queries answer what stands below them, commands and links are there."""

from __future__ import annotations

import configparser
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pytest

from ops.docs.markdown import page, slug
from ops.docs.site import GUIDES
from ops.project import PATHS, ROOT, ProjectError, Settings
from tests.python import stories

FOLDER = ROOT / "docs" / "guides"
PAGES = sorted(FOLDER.glob("*.md"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# Commands that are neither make's nor the project's own, and the test that runs them.
ELSEWHERE = {
    "mv published/marketplace.<time>.duckdb published/marketplace.duckdb": "ops/test_publish.py",
    "rm -rf build/warehouse.duckdb build/landing": "docs/test_erasure.py",
    "rm published/marketplace.*Z.duckdb": "docs/test_erasure.py",
    "dbt deps": "package/test_as_package.py",
    "export PYTHONPATH=$PWD/dbt_packages/marketplace_kpis": "package/test_as_package.py",
    "python -m ops.land": "package/test_as_package.py",
    "dbt build --exclude-resource-type unit_test": "package/test_as_package.py",
    "mkdir -p build/state && cp target/manifest.json build/state": "ops/test_slim_builds.py",
    "dbt ls --select state:modified+ --state build/state --resource-type model": "ops/test_slim_builds.py",
    "dbt build --target slim --select state:modified+ --defer --state build/state": "ops/test_slim_builds.py",
}


def blocks(page: Path, kind: str) -> list[str]:
    found = re.findall(r"^( *)```(\w*)\n(.*?)^ *```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", text, flags=re.MULTILINE) for indent, name, text in found if name == kind]


def commands() -> list[str]:
    """One line each, without comments and the settings before a command."""
    lines = [
        line.partition("  #")[0].strip()
        for page in PAGES for block in blocks(page, "sh") for line in block.replace("\\\n", " ").splitlines()
    ]
    return [re.sub(r"^(?:[A-Z_]+=\S+ +)+", "", line) for line in lines if line and not line.startswith("#")]


def test_the_order_of_the_guides_names_guides() -> None:
    assert set(GUIDES) <= {path.stem for path in PAGES}


# The SQL of as-a-package.md is models of the project that tests/python/package builds.
@pytest.mark.parametrize("path", [path for path in PAGES if path.stem != "as-a-package"], ids=lambda path: path.stem)
def test_the_answers_of_a_guide_are_those_of_the_sample(sample_release: Settings, path: Path) -> None:
    with duckdb.connect(str(sample_release.published), read_only=True) as release:
        assert "\n".join(stories.differences(release, path)) == ""


def settings_known() -> set[str]:
    table = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    return {*table, *PATHS}


def test_make_knows_the_targets_and_settings_of_the_guides() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    asked = [shlex.split(line) for line in commands() if line.startswith("make ")]
    assert {words[1] for words in asked} <= targets
    given = {word.partition("=")[0] for words in asked for word in words[2:]}
    assert given <= settings_known() | {name for name in given if f"$({name})" in MAKEFILE or f"{name})," in MAKEFILE}
    assert len(asked) >= 8


def test_make_knows_what_the_text_of_the_guides_names() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for path in PAGES:
        assert set(re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8"))) <= targets, path


def test_the_modules_of_the_guides_are_there_and_take_what_is_given() -> None:
    run = [shlex.split(line) for line in commands() if line.startswith(".venv/bin/python -m ")]
    for words in run:
        assert importlib.util.find_spec(words[2]), words
        told = subprocess.run(
            [sys.executable, "-m", words[2], "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        assert all(option in told for option in words if option.startswith("--")), words
    assert run


def test_every_other_command_is_run_by_a_test() -> None:
    other = [line for line in commands() if not line.startswith(("make ", ".venv/bin/python "))]
    assert set(other) == set(ELSEWHERE)
    assert all((ROOT / "tests" / "python" / place).is_file() for place in ELSEWHERE.values())


def test_the_last_build_is_told_by_the_command_of_the_guide(sample_release: Settings) -> None:
    line = next(line for line in commands() if "last_build.json" in line)
    told = sample_release.warehouse.parent / "last_build.json"
    words = shlex.split(line.replace("build/last_build.json", str(told)))
    done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("published\n")


def test_units_and_settings_of_the_schedule_can_be_read() -> None:
    units = blocks(FOLDER / "operating.md", "ini")
    read = configparser.ConfigParser(interpolation=None)
    read.optionxform = str
    environment = next(unit for unit in units if not unit.startswith("["))
    for unit in units:
        if unit.startswith("["):
            read.read_string(unit)
    for key in ("ExecStart", "ExecStartPost"):
        assert importlib.util.find_spec(read["Service"][key].split(" -m ")[1])
    assert read["Timer"]["OnCalendar"]
    given = dict(line.split("=", 1) for line in environment.splitlines())
    assert set(given) <= settings_known()
    folders = {"EXTRACTS_DIR": "extracts/sample", "PUBLISHED_DB": "published/marketplace.duckdb"}
    Settings.from_environment({**given, **folders})  # takes the values
    with pytest.raises(ProjectError):
        Settings.from_environment({**given, **folders, "MEMORY_LIMIT": "60"})


def test_the_line_for_cron_is_one_the_shell_can_read() -> None:
    (line,) = blocks(FOLDER / "operating.md", "cron")
    command = line.split(" ", 5)[5]
    subprocess.run(["sh", "-n", "-c", command], check=True)
    assert "-m ops.build" in command


def anchors(path: Path) -> set[str]:
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {slug(heading.replace("`", "")) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_links_between_the_texts_lead_somewhere(path: Path) -> None:
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match("[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / unquote(place)).resolve() if place else path
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_a_guide_has_sections_to_go_to() -> None:
    for path in PAGES:
        title, sections, _ = page(path.read_text(encoding="utf-8"), "docs/guides/a.md", lambda place: None)
        assert title != "docs/guides/a.md"
        assert len(sections) >= 2
