"""Folders that are refused, or land with a warning: what is said is what the corpus writes, and nothing else changes."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import pytest

from ops import land as module
from ops.land import LandingError
from ops.project import ROOT
from tests.python.load import corpus

FOLDERS = corpus.folders()


class Base:
    """A good marketplace, landed; cases come and go."""

    def __init__(self, market):
        self.market = market
        self.landing = market.landing
        for path in market.folder.iterdir():
            os.utime(path, (corpus.DELIVERED.timestamp(),) * 2)
        self.good = {path.name: path.read_bytes() for path in market.folder.iterdir()}
        market.land()
        self.before = self.landed()

    def landed(self) -> dict[str, bytes | str]:
        """Everything in the landing, byte for byte."""
        return {
            str(path.relative_to(self.landing)): os.readlink(path) if path.is_symlink() else path.read_bytes()
            for path in self.landing.rglob("*") if path.is_file()
        }

    def try_folder(self, folder: corpus.Folder) -> tuple[list[str], list[str]]:
        """Problems and warnings of a folder; what it changed is put back."""
        written = []
        try:
            for name, content in folder.files.items():
                path = self.market.folder / name
                if content is None:
                    path.unlink()
                    continue
                written.append(path)
                path.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, corpus.Link):
                    path.symlink_to(content)
                else:
                    path.write_bytes(content)
            try:
                return [], self.market.land().warnings
            except LandingError as error:
                return str(error).split("\n  ")[1:], []
        finally:
            for path in written:
                path.unlink()
            for path in sorted(self.market.folder.rglob("*"), reverse=True):
                if path.is_dir():
                    path.rmdir()
            for name in folder.files:
                if name in self.good:
                    os.utime(self.market.write(name, self.good[name]), (corpus.DELIVERED.timestamp(),) * 2)


@pytest.fixture(scope="module")
def base(market) -> Base:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "contract", functools.cache(module.contract))
        yield Base(market)


def said_otherwise(found: list[str], expected: list[str]) -> list[str]:
    return [f"not expected: {one}" for one in found if not any(text in one for text in expected)] + [
        f"not said: {text}" for text in expected if not any(text in one for one in found)
    ]


@pytest.mark.parametrize("group", list(dict.fromkeys(folder.group for folder in FOLDERS)))
def test_every_folder_ends_as_written(base, group):
    wrong = []
    for folder in FOLDERS:
        if folder.group != group:
            continue
        problems, warnings = base.try_folder(folder)
        faults = said_otherwise(problems, folder.refused) + said_otherwise(warnings, folder.warned)
        if any(corpus.SECRET in one for one in problems + warnings):
            faults.append("a personal value is shown")
        if folder.refused and base.landed() != base.before:
            faults.append("the landing changed")
        if not folder.refused:
            base.market.land()
            if base.landed().keys() != base.before.keys():
                faults.append("something stayed in the landing")
            base.before = base.landed()
        if faults:
            wrong.append(f"{list(folder.files)[:3]}: {len(faults)}: {faults[:6]}")
    assert not wrong, f"{len(wrong)} folders\n" + "\n".join(wrong)[:8000]


def test_the_page_is_up_to_date():
    run = subprocess.run([sys.executable, "-m", "tests.python.load.corpus", "--check"], cwd=ROOT, capture_output=True,
                         text=True, check=False)
    assert run.returncode == 0, run.stderr
