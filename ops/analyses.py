"""Asks a build the questions of analyses/: what `make analyses` runs.

    python -m ops.analyses            prints each question and its answer
    python -m ops.analyses --write    keeps the answers beside the questions; those of the sample are committed

A question is a select of published tables under a comment that says what is asked. Reads the build file (WAREHOUSE_DB).
Exit code 3: asked for wrongly, or there is no build to ask.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from ops.project import ROOT, ProjectError, Settings, open_build

FOLDER = ROOT / "analyses"
WRONG_USE = 3


def questions() -> list[Path]:
    """The files of the questions, in order of name."""
    return sorted(FOLDER.glob("*.sql"))


def asked(question: Path) -> str:
    """What a question asks, in words: its first comment."""
    lines = question.read_text(encoding="utf-8").splitlines()
    return lines[0].removeprefix("-- ") if lines and lines[0].startswith("-- ") else ""


def answers(settings: Settings) -> dict[str, str]:
    """The answer to each question as CSV, by name. Raises ProjectError when the build cannot answer one."""
    sql = compiled(settings)
    with open_build(settings) as connection:
        return {question.stem: _answer(connection, question.stem, sql[question.stem]) for question in questions()}


def compiled(settings: Settings) -> dict[str, str]:
    """The questions as dbt compiles them, by name; beside what a build keeps, whose file dbt does not open for it."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "target")
        target.mkdir()
        if (parsed := settings.target / "partial_parse.msgpack").is_file():
            shutil.copy2(parsed, target)  # a third of the time
        environment = {**settings.environment, "DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": folder}
        command = [
            *(sys.executable, "-m", "dbt.cli.main", "--quiet"),
            *("compile", "--no-populate-cache", "--select", "resource_type:analysis"),
        ]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ProjectError(f"dbt cannot compile the questions:\n{done.stdout.strip()}")
        found = target.glob("compiled/*/analyses/*.sql")
        return {path.stem: path.read_text(encoding="utf-8") for path in found}


def _answer(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> str:
    try:
        cursor = connection.execute(sql)
    except duckdb.Error as error:
        raise ProjectError(f"analyses/{name}.sql: {error}") from None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column for column, *_ in cursor.description)
    writer.writerows(cursor.fetchall())
    return text.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Print or keep the answers. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.analyses", description="Ask a build what analyses/ asks.")
    parser.add_argument("--write", action="store_true", help="keep the answers beside the questions")
    write = parser.parse_args(arguments).write
    try:
        found = answers(Settings.from_environment(os.environ))
    except ProjectError as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    for question in questions():
        if write:
            question.with_suffix(".csv").write_text(found[question.stem], encoding="utf-8")
        else:
            print(f"{asked(question)}\n({question.relative_to(ROOT)})\n\n{found[question.stem]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
