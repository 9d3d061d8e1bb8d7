"""Pages whose every query stands with its answer: reads the pairs, asks again, writes the answer as the page does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Question:
    """A query of a page, the line it begins on, and the answer that stands below it."""

    line: int
    query: str
    answer: str


class PageError(Exception):
    """A page is not made of queries that are each followed by their answer."""


def questions(page: Path) -> list[Question]:
    """Every ```sql block of a page with the ```text block that follows; nothing but blank lines lies between."""
    text = page.read_text(encoding="utf-8")
    blocks = list(FENCE.finditer(text))
    found = []
    for number, block in enumerate(blocks):
        if block[1] != "sql":
            continue
        line = text.count("\n", 0, block.start()) + 1
        answer = blocks[number + 1] if number + 1 < len(blocks) else None
        if answer is None or answer[1] != "text" or text[block.end():answer.start()].strip():
            raise PageError(f"{page.name}, line {line}: no answer (```text) follows the query")
        found.append(Question(line, block[2], answer[2]))
    return found


def ask(release: duckdb.DuckDBPyConnection, query: str) -> str:
    """The answer to a query as a page shows it: column names, then rows; missing values are empty."""
    cursor = release.cursor()
    cursor.execute("use marts")
    result = cursor.execute(query)
    lines = [[column[0] for column in result.description]]
    lines += [["" if value is None else str(value) for value in row] for row in result.fetchall()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (" | ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return "".join(f"{line}\n" for line in padded)


def differences(release: duckdb.DuckDBPyConnection, page: Path) -> list[str]:
    """What a page answers otherwise than the release does, one text each, with the line and the right answer."""
    return [
        f"{page.name}, line {question.line}:\n{question.query}answers\n{answer}and not\n{question.answer}"
        for question in questions(page)
        if (answer := ask(release, question.query)) != question.answer
    ]
