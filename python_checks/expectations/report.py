"""The result page of the expectations: one HTML file that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from python_checks.expectations.gate import TableResult, Verdict

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1c2430; }
summary { cursor: pointer; padding: .3rem 0; border-bottom: 1px solid #dde3ea; }
summary b { display: inline-block; min-width: min(20rem, 60vw); }
li { overflow-wrap: anywhere; }
ul { margin: .4rem 0 1rem; }
.failed { color: #a3160b; } .passed { color: #17663a; } small { color: #5b6675; }
"""


def write_page(results: Iterable[TableResult], database: Path, page: Path) -> None:
    """Write the page, failed tables first and open."""
    ordered = sorted(results, key=lambda result: (result.passed, result.schema, result.table))
    expectations = sum(len(result.verdicts) for result in ordered)
    failed = sum(not result.passed for result in ordered)
    verdict = f"{failed} tables failed" if failed else "all passed"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Expectations: {verdict}</title><style>{STYLE}</style></head>
<body><h1>Expectations: {verdict}</h1>
<p>{expectations} expectations on {len(ordered)} tables of {escape(database.name)},
{datetime.now(UTC):%Y-%m-%d %H:%M} UTC.</p>
{"".join(map(_table, ordered))}
</body></html>
""",
        encoding="utf-8",
    )


def _table(result: TableResult) -> str:
    state = "passed" if result.passed else "failed"
    name = f"{result.schema}.{result.table}".lstrip(".")
    lines = "".join(map(_line, sorted(result.verdicts, key=lambda verdict: verdict.passed)))
    notes = "".join(f"<li>{escape(note)}</li>" for note in result.notes)
    problem = f'<li class="failed">{escape(result.problem)}</li>' if result.problem else ""
    summary = f'<b>{escape(name)}</b> <span class="{state}">{state}</span>'
    counted = f"{len(result.verdicts)} expectations, {result.seconds:.1f} s"
    if result.notes:
        counted = f"{len(result.notes)} wrong on purpose failed as intended"
    size = f"<small>{counted}</small>"
    return (
        f"<details{'' if result.passed else ' open'}><summary>{summary} {size}</summary>"
        f"<ul>{problem}{lines}{notes}</ul></details>\n"
    )


def _line(verdict: Verdict) -> str:
    state = "passed" if verdict.passed else "failed"
    return f'<li class="{state}">{escape(verdict.expectation)}{escape(explain(verdict))}</li>'


def explain(verdict: Verdict) -> str:
    """Why an expectation failed, as the end of its sentence; empty for one that passed."""
    if verdict.passed:
        return ""
    if verdict.error:
        return f": could not be computed: {verdict.error}"
    if "unexpected_count" not in verdict.details:
        return f": found {verdict.details.get('observed_value')}"
    values = verdict.details.get("partial_unexpected_list", [])
    return f": {verdict.details['unexpected_count']} rows" + (f", such as {values[:5]}" if values else "")
