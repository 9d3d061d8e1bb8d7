"""Each question of analyses/ runs, and the sample still gives the answer kept beside it."""

from __future__ import annotations

import csv

import pytest

from ops.analyses import FOLDER, answers, asked, questions
from ops.project import ROOT, Settings

AFTER_KPIS = {"decisions", "sellers", "journeys"}


@pytest.fixture(scope="module")
def given(sample_release: Settings) -> dict[str, str]:
    return answers(sample_release)


def test_every_family_and_folder_has_a_question() -> None:
    families = {path.parent.name for path in ROOT.glob("models/marts/*/_*__metrics.yml")}
    assert {question.stem.partition("__")[0] for question in questions()} == families | AFTER_KPIS


def test_every_question_is_asked_in_words_and_has_its_answer_beside_it() -> None:
    assert [question.name for question in questions() if not asked(question).endswith("?")] == []
    assert {path.stem for path in FOLDER.glob("*.csv")} == {question.stem for question in questions()}


@pytest.mark.parametrize("name", [question.stem for question in questions()])
def test_the_sample_gives_the_answer_beside_the_question(name: str, given: dict[str, str]) -> None:
    kept = (FOLDER / f"{name}.csv").read_text(encoding="utf-8")
    assert given[name] == kept, f"{name}: python -m ops.analyses --write, if the new answer is right"
    assert len(list(csv.reader(kept.splitlines()))) > 2, "a question with no answer shows nothing"
