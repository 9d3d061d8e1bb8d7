"""The two languages of the pages, and how they write numbers and days."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import yaml

LANGUAGES = ("en", "fr")
WORDS: dict[str, dict[str, list[str]]] = yaml.safe_load((Path(__file__).parent / "words.yml").read_text("utf-8"))
MONTHS_FR = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)
NARROW, WIDE = "\u202f", "\u00a0"  # no-break spaces: between thousands in French, before a unit
SHARES = {"ratio": 100}
SUFFIXES = {"ratio": "%", "days": "d", "hours": "h", "seconds": "s", "milliseconds": "ms"}
SUFFIXES_FR = {**SUFFIXES, "days": "j"}


def _joined(french: str) -> str:
    """French with the spaces before its double marks kept from breaking."""
    return re.sub(" (?=[;:?!»])", WIDE, french)


class Words:
    """One language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.at = LANGUAGES.index(language)

    def say(self, english: str, french: str) -> str:
        """The page's own words."""
        return _joined(french) if self.at else english

    def word(self, kind: str, key: str | None) -> str:
        """A word of a definition (words.yml); as the definition has it where the list does not know it."""
        if key not in WORDS[kind]:
            return (key or "").replace("_", " ")
        english, french = WORDS[kind][key]
        return self.say(english, french)

    def dated_by(self, said: str) -> str:
        """The day or days that a KPI is dated by."""
        return " / ".join(self.word("days", day) for day in said.split(" / "))

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with separators between thousands."""
        text = f"{value:,.{decimals}f}"
        return text if self.language == "en" else text.translate({ord(","): NARROW, ord("."): ","})

    def amount(self, value: float, unit: str, currency: str = "") -> str:
        """A value of a KPI, as a person writes it; decimals only as far as they say something."""
        shown = value * SHARES.get(unit, 1)
        decimals = 0 if unit in ("count", "index", "milliseconds") else 2 if unit in ("money", "x") else 1
        if unit == "ratio" and round(shown, 1) != round(shown, 4):
            decimals = 2
        text = self.number(shown, decimals)
        if unit == "ratio" and decimals and round(shown, decimals) == round(shown):
            text = self.number(shown)
        suffix = currency if unit == "money" else (SUFFIXES if self.language == "en" else SUFFIXES_FR).get(unit, "")
        joint = "" if suffix == "%" and self.language == "en" else WIDE
        return f"{text}{joint}{suffix}" if suffix else text

    def month(self, day: date) -> str:
        """October 2026, octobre 2026."""
        return f"{day:%B %Y}" if self.language == "en" else f"{MONTHS_FR[day.month - 1]} {day.year}"

    def day(self, day: date | None) -> str:
        """1 October 2026, 1 octobre 2026; nothing for no day."""
        return f"{day.day} {self.month(day)}" if day else ""

    def listed(self, kind: str, keys: list[str]) -> str:
        """Words of definitions, separated by commas."""
        return ", ".join(self.word(kind, key) for key in keys)

    def globals(self) -> dict[str, Any]:
        """What a template calls by name."""
        names = ("say", "word", "dated_by", "number", "amount", "month", "day", "listed")
        return {"lang": self.language, **{name: getattr(self, name) for name in names}}
