"""A published table is held against what is expected of it, row by row and column by column."""

import datetime as dt

import polars as pl
import pytest
from publishing import publish

from python_checks.sellers.matching import Expected, match

DAY = dt.date(2024, 6, 30)
NOON = dt.datetime(2024, 6, 30, 12, tzinfo=dt.UTC)
FRAME = pl.DataFrame({
    "key": ["a", "b"], "day": [DAY, None], "at": [NOON, None], "share": [0.5, None], "count": [3, None],
    "flag": [True, None], "p_value": [1e-20, 0.5],
})
WANTED = Expected("some_table", ("key",), FRAME, allowed={"p_value": 1e-6 * pl.col("p_value").abs()})


def verdict(tmp_path, frame):
    return match(WANTED, publish(tmp_path / "file.duckdb", [Expected("some_table", ("key",), frame)]))


def test_the_same_passes(tmp_path):
    passed = verdict(tmp_path, FRAME.with_columns(free=pl.lit(1)).reverse())
    assert (passed.passed, passed.compared, passed.worst) == (True, 2, 0)


@pytest.mark.parametrize(("column", "value", "passes"), [
    ("share", 0.5 + 5e-10, True), ("share", 0.5 + 5e-9, False), ("share", None, False), ("share", float("nan"), False),
    ("count", 4, False), ("flag", False, False), ("day", dt.date(2024, 7, 1), False),
    ("at", NOON + dt.timedelta(microseconds=1), False),
    # a probability in the tail is told to its own size
    ("p_value", 1e-20 * (1 + 5e-7), True), ("p_value", 1.1e-20, False), ("p_value", 0.0, False),
])
def test_a_value_that_differs_is_found(tmp_path, column, value, passes):
    at = pl.col("key") == "a"
    other = FRAME.with_columns(pl.when(at).then(pl.lit(value, FRAME.schema[column])).otherwise(column).alias(column))
    found = verdict(tmp_path, other)
    assert found.passed == passes
    assert passes or f"{column} differs" in found.examples[0]


def test_a_fraction_where_a_whole_number_belongs_is_found(tmp_path):
    assert not verdict(tmp_path, FRAME.with_columns(count=pl.col("count") + 0.25)).passed


def test_rows_too_few_too_many_and_twice_are_found(tmp_path):
    assert "b: not published" in verdict(tmp_path, FRAME.head(1)).examples[0]
    extra = pl.concat([FRAME, FRAME.head(1).with_columns(key=pl.lit("c"))])
    assert "c: published, though there is no such row" in verdict(tmp_path, extra).examples[0]
    assert "more than once" in verdict(tmp_path, pl.concat([FRAME, FRAME.head(1)])).examples[0]


def test_a_table_or_column_that_is_not_there_fails(tmp_path):
    assert not verdict(tmp_path, FRAME.drop("flag")).passed
    other = publish(tmp_path / "file.duckdb", [Expected("another", ("key",), FRAME)])
    failed = match(WANTED, other)
    assert not failed.passed and "not to be read" in failed.examples[0]


def test_an_empty_table_is_expected_to_be_there_and_empty(tmp_path):
    nothing = Expected("some_table", ("key",), FRAME.clear())
    path = tmp_path / "file.duckdb"
    assert match(nothing, publish(path, [nothing])).passed
    assert not match(nothing, publish(path, [Expected("some_table", ("key",), FRAME)])).passed
    assert not match(nothing, publish(path, [Expected("another", ("key",), FRAME)])).passed
