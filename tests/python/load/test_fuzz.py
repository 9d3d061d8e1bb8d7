"""Extracts spoilt at random, half a minute of them with one seed. `make soak` goes on with others."""

from __future__ import annotations

import functools
import random

import pytest

from ops import land as module
from tests.python.load import fuzz

SEED, FILES, SECONDS = 20260301, 300, 30


def test_spoilt_extracts_land_or_are_refused_and_no_row_is_lost(fresh, monkeypatch):
    monkeypatch.setattr(module, "contract", functools.cache(module.contract))
    tally = fuzz.Fuzzer(fresh, SEED).run(SECONDS, FILES)
    assert tally.landed > 20
    assert tally.refused > 5


def test_a_seed_gives_the_same_files(fresh):
    made = [[fuzz.Fuzzer(fresh, 7)._file() for _ in range(1)] for _ in range(2)]
    assert made[0] == made[1]


@pytest.mark.parametrize("spoil", fuzz.SPOIL)
def test_nothing_is_too_short_to_spoil(spoil):
    for data in (b"", b"a", b",\n"):
        assert isinstance(spoil(random.Random(1), data), bytes)
