"""The hooks before a commit: local ones only, whose commands pass what is sound and fail on what is not."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from ops.project import ROOT

CONFIG = ROOT / ".pre-commit-config.yaml"
[HOOKS] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["repos"]
OF_FILES = [hook for hook in HOOKS["hooks"] if hook.get("pass_filenames", True)]
BROKEN = {".py": "import os\nx = 1\n", ".sql": "SELECT a FROM b\n"}


def run(hook: dict, *files: str) -> subprocess.CompletedProcess:
    """A hook as pre-commit runs it, from the root; the environment of the tests stands for .venv."""
    command = shlex.split(hook["entry"])
    command[0] = command[0].replace(".venv/bin/python", sys.executable)
    return subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)


def test_hooks_fetch_nothing() -> None:
    assert HOOKS["repo"] == "local"
    assert {hook["language"] for hook in HOOKS["hooks"]} == {"system"}


@pytest.mark.parametrize("hook", OF_FILES, ids=lambda hook: hook["id"])
def test_a_hook_passes_a_sound_file_and_stops_a_broken_one(hook: dict) -> None:
    ending = ".py" if hook.get("types") == ["python"] else ".sql"
    sound = {".py": "ops/project.py", ".sql": "models/staging/native/stg_orders.sql"}[ending]
    assert re.search(hook.get("files", ""), sound)
    done = run(hook, sound)
    assert done.returncode == 0, done.stdout + done.stderr
    # sqlfluff looks for its settings above the file; ruff leaves build/ out
    with tempfile.TemporaryDirectory(dir=ROOT / "build" if ending == ".sql" else None) as folder:
        broken = Path(folder) / f"broken{ending}"
        broken.write_text(BROKEN[ending], encoding="utf-8")
        done = run(hook, str(broken))
    assert done.returncode == 1 and re.search("F401|CP01", done.stdout), done.stdout + done.stderr


def test_the_hook_without_files_is_a_target_of_make() -> None:
    for hook in HOOKS["hooks"]:
        if hook not in OF_FILES:
            done = subprocess.run(
                [*shlex.split(hook["entry"]), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0 and "ops.dbt check" in done.stdout, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("pre-commit"), reason="pre-commit is not installed")
def test_pre_commit_reads_the_hooks() -> None:
    done = subprocess.run(["pre-commit", "validate-config", str(CONFIG)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
