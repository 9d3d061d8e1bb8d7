"""Broken extracts at large: each case of the corpus has the outcome written beside it, and no row is lost."""

from __future__ import annotations

import os
from collections import Counter, defaultdict

import pytest

from python_checks.recompute.extracts import read_extracts
from python_checks.rows_read import differences
from tests.python.load import corpus

TABLES = corpus.read_contract()
GROUPS = list(dict.fromkeys(case.group for case in corpus.files()))


class Loaded:
    """What became of all files of the corpus, landed and loaded beside a good marketplace in one run."""

    def __init__(self, market):
        self.market, self.cases = market, corpus.files()
        for case in self.cases:
            path = market.write(case.name, case.content)
            os.utime(path, (corpus.DELIVERED.timestamp(),) * 2)
        self.landed = market.land()
        self.run = market.load()
        self.audit = {
            name: (tuple(counts), unknown) for name, unknown, *counts in market.query(
                "select file_name, unknown_columns, rows_read, rows_loaded, rows_rejected, rows_superseded"
                " from marts.load_audit"
            )
        }
        self.rejected = defaultdict(list)
        for name, *row in market.query(
            "select file_name, row_number, column_name, reason from marts.rejected_rows order by all"
        ):
            self.rejected[name].append(tuple(row))


@pytest.fixture(scope="module")
def loaded(market) -> Loaded:
    return Loaded(market)


def shown(wrong: list) -> str:
    return f"{len(wrong)} cases, such as\n" + "\n".join(map(str, wrong[:20]))


@pytest.mark.parametrize("group", GROUPS)
def test_every_case_ends_as_written(loaded, group):
    wrong = []
    for case in loaded.cases:
        if case.group != group:
            continue
        found = (loaded.audit.get(case.name, (None, None)), loaded.rejected[case.name])
        expected = ((case.counts, case.unknown), sorted(case.rejected, key=str))
        found = (found[0], sorted(found[1], key=str))
        if found != expected:
            wrong.append((case.name, expected[0], found[0], [
                pair for pair in zip(expected[1], found[1], strict=False) if pair[0] != pair[1]
            ][:3], [one for one in found[1] if one not in expected[1]][:3]))
    assert not wrong, shown(wrong)


def test_no_row_is_lost(loaded):
    """By the count of another reader too, and with every rejected row kept."""
    assert differences(loaded.market.folder, loaded.market.database) == []
    for read, kept, rejected, superseded in loaded.market.audit().values():
        assert read == kept + rejected + superseded


def test_the_recomputation_judges_the_same_rows_alike(loaded):
    """It reads and judges every file on its own, by another program."""
    own = read_extracts(loaded.market.folder)
    counts = {name: tuple(counts) for name, *counts in own.files.select(
        "file_name", "rows_read", "rows_loaded", "rows_rejected", "rows_superseded").iter_rows()}
    audit = loaded.market.audit()
    wrong = [(name, audit.get(name), counts.get(name)) for name in audit.keys() | counts.keys()
             if audit.get(name) != counts.get(name)]
    assert not wrong, shown(sorted(wrong))


def test_texts_load_as_they_are(loaded):
    for case in loaded.cases:
        for column, texts in case.texts.items():
            rows = loaded.market.query(f"select {column} from staging.stg_{case.table}")
            assert Counter(texts) - Counter(value for (value,) in rows) == Counter(), case.name


def test_every_maker_of_parquet_gives_the_same_values(loaded):
    for table in TABLES.values():
        makers = {case.name: case.alike for case in loaded.cases if case.alike and case.table == table.name}
        wanted = {f"{key}": name for name, keys in makers.items() for key in keys}
        columns = [
            column.name + ("_hash" if column.rules.get("pii") else "")
            for column in table.columns if column.name != table.counted.name
        ]
        rows = loaded.market.query(
            f"select cast({table.counted.name} as varchar), {', '.join(columns)} from staging.stg_{table.name}"
        )
        values = {key: tuple(rest) for key, *rest in rows if key in wanted}
        assert set(values) == set(wanted), table.name
        assert len(set(values.values())) == 1, (table.name, {wanted[key]: value for key, value in values.items()})


def test_personal_values_are_nowhere_in_clear(loaded):
    clear = corpus.SECRET.encode()
    assert clear not in loaded.market.database.read_bytes()
    assert corpus.SECRET not in loaded.run.stdout + str(loaded.landed.warnings)


def test_there_are_many_cases_of_every_table():
    tried = Counter(case.table for case in corpus.files())
    assert set(tried) == set(TABLES)
    assert min(tried.values()) > 30
