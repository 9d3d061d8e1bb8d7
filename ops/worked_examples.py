"""The worked examples of the KPIs, collected from their unit tests into docs/worked-examples.md.

python -m ops.worked_examples           writes the page
python -m ops.worked_examples --check   only tells whether it is up to date (exit code 1 where it is not)
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from ops.project import ROOT, ProjectError

PAGE = ROOT / "docs" / "worked-examples.md"
HEAD = """# Worked examples

One line per hand-worked example: what the KPI must give, how it is worked out, and what the usual mistake would give
on the same rows. The rows stand in the unit test named, in `models/marts/<family>/kpi_<family>.yml`.
Written by `python -m ops.worked_examples`; every build with unit tests proves the answers.
"""


@dataclass(frozen=True)
class Example:
    """One worked unit test of a KPI. `answer` is None where the KPI must have no value."""

    family: str
    kpi_id: str
    test: str
    worked: str
    answer: float | None
    mistake: str
    mistake_gives: float


def read_examples(marts: Path = ROOT / "models" / "marts") -> list[Example]:
    """All unit tests that name a KPI in config.meta, in the order of the files.

    Raises ProjectError naming file and test where one lacks its mistake, expects no value of its KPI, or where the
    mistake would give the right answer, so that the test could not tell them apart.
    """
    examples = []
    for path in sorted(marts.glob("*/kpi_*.yml")):
        for test in yaml.safe_load(path.read_text(encoding="utf-8")).get("unit_tests", []):
            meta = test.get("config", {}).get("meta", {})
            if "kpi" in meta:
                examples.append(_example(path, test, meta))
    return examples


def _example(path: Path, test: dict, meta: dict) -> Example:
    where = f"{path.name}: unit test {test['name']}"
    kpi_id = meta["kpi"]
    rows = test["expect"]["rows"]
    if not rows or any(kpi_id not in row for row in rows):
        raise ProjectError(f"{where}: expects no column {kpi_id}")
    for key in ("mistake", "mistake_gives"):
        if key not in meta:
            raise ProjectError(f"{where}: config.meta lacks {key}")
    answers = [row[kpi_id] for row in rows]
    if meta["mistake_gives"] in answers[:1]:
        raise ProjectError(f"{where}: the mistake gives the right answer {answers[0]}")
    return Example(
        family=path.parent.name,
        kpi_id=kpi_id,
        test=test["name"],
        worked=" ".join(test["description"].split()),
        answer=answers[0],
        mistake=meta["mistake"],
        mistake_gives=meta["mistake_gives"],
    )


def page(examples: list[Example]) -> str:
    """The page as Markdown: one table per family."""
    parts = [HEAD]
    for family in dict.fromkeys(example.family for example in examples):
        parts.append(f"\n## {family.replace('_', ' ').capitalize()}\n\n")
        parts.append("| KPI | answer | how it is worked out | the usual mistake | would give | unit test |\n")
        parts.append("|---|---:|---|---|---:|---|\n")
        for example in examples:
            if example.family == family:
                parts.append(
                    f"| {example.kpi_id} | {_number(example.answer)} | {_cell(example.worked)} "
                    f"| {_cell(example.mistake)} | {_number(example.mistake_gives)} | `{example.test}` |\n"
                )
    return "".join(parts)


def _number(value: float | None) -> str:
    return "no value" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    """Write the page, or with --check tell whether it is up to date."""
    parser = argparse.ArgumentParser(prog="python -m ops.worked_examples", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="do not write, only tell whether the page is up to date")
    asked = parser.parse_args()
    try:
        text = page(read_examples())
    except ProjectError as problem:
        print(problem, file=sys.stderr)
        return 1
    if not asked.check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE.relative_to(ROOT)} is out of date: run python -m ops.worked_examples", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
