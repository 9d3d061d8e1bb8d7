"""Erasing a person by the steps of the guide: afterwards nothing that a build wrote knows it, and no figure moved."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ops.find_person import find
from ops.project import ROOT, Settings
from ops.publish import releases

FREE_TEXT = {"comment", "search_term"}
PERSONAL = {"email"}


def identifiers_of(settings: Settings, customer: str) -> list[str]:
    """What step 1 of the guide collects, from the delivered files."""
    with duckdb.connect() as connection:
        def column(sql: str) -> list[str]:
            return [row[0] for row in connection.execute(sql, [customer]).fetchall() if row[0]]

        folder = settings.extracts
        return [
            customer,
            *column(f"select distinct visitor_id from '{folder}/events/*.parquet' where customer_id = ?"),
            *column(f"select person_key from read_csv('{folder}/leads.csv', all_varchar = true) where customer_id = ?"),
            *column(f"select email from read_csv('{folder}/customers.csv', all_varchar = true) where customer_id = ?"),
        ]


def rewrite(folder: Path, identifiers: Iterable[str]) -> None:
    """Step 2: a new random value for each of the person's identifiers; what the person wrote is emptied."""
    new = {text: uuid.uuid4().hex for text in identifiers}

    def changed(row: dict[str, str]) -> dict[str, str]:
        if not set(row.values()) & new.keys():
            return row
        return {
            name: "" if name in PERSONAL | FREE_TEXT else new.get(value, value) for name, value in row.items()
        }

    for path in folder.rglob("*.csv"):
        text = path.read_text(encoding="utf-8")
        if not any(old in text for old in new):
            continue
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
        head = lines[0]
        rows = [list(changed(dict(zip(head, line, strict=True))).values()) if len(line) == len(head)
                else [new.get(value, value) for value in line] for line in lines[1:]]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([head, *rows])
    for path in folder.rglob("*.parquet"):
        rows = pl.read_parquet(path)
        theirs = rows["customer_id"].is_in(list(new)) | rows["visitor_id"].is_in(list(new))
        texts = [name for name in rows.columns if name in FREE_TEXT]
        rows.with_columns(
            pl.col("customer_id", "visitor_id").replace(new),
            pl.when(~theirs).then(pl.col(texts)),
        ).write_parquet(path)


def figures_moved(before: Path, after: Path) -> list[tuple]:
    """The values of KPIs that one release has otherwise than the other, beyond the last bits of a double."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{before}' as before (read_only); attach '{after}' as after (read_only)")
        return connection.execute("""
            select kpi_id, period_grain, period_start, dimension, dimension_value, a.value, b.value
            from before.marts.kpi_values as a
            full join after.marts.kpi_values as b
                using (kpi_id, period_grain, period_start, dimension, dimension_value)
            where (a.value is null) <> (b.value is null) or (a.numerator is null) <> (b.numerator is null)
                or abs(a.value - b.value) > 1e-9 * greatest(1, abs(a.value))
                or abs(a.numerator - b.numerator) > 1e-9 * greatest(1, abs(a.numerator))
                or a.sample_size is distinct from b.sample_size
        """).fetchall()


def someone(settings: Settings) -> str:
    """A customer who left traces everywhere."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return connection.execute("""
            select customer_id from staging.stg_leads
            where customer_id in (select customer_id from staging.stg_orders)
                and customer_id in (select customer_id from staging.stg_reviews where comment is not null)
                and customer_id in (select customer_id from intermediate.int_events)
                and customer_id in (select customer_id from staging.stg_survey_invitations)
            group by customer_id order by count(*) desc, customer_id limit 1
        """).fetchone()[0]


def run_on_copy(settings: Settings, command: str) -> None:
    """A command of the guide, with the copy's paths in place of the usual ones."""
    places = {"build/warehouse.duckdb": settings.warehouse, "build/landing": settings.landing,
              "published/": f"{settings.published.parent}/"}
    for usual, path in places.items():
        command = command.replace(usual, str(path))
    assert " build/" not in command
    assert str(settings.published.parent.parent.parent) in command
    subprocess.run(["sh", "-c", command], check=True)


@pytest.mark.slow
def test_a_person_is_erased_by_the_steps_of_the_guide(
    sample_release: Settings, copy_of_sample: Settings, tmp_path: Path
) -> None:
    identifiers = identifiers_of(copy_of_sample, someone(copy_of_sample))
    known = list(find(copy_of_sample, identifiers))
    assert any("marts.fct_orders.customer_id" in place for place in known)
    assert any("marts.fct_leads.person_key" in place for place in known), "the hash was published"
    assert any("stg_" not in place and "email_hash" in place for place in known)
    earlier = copy_of_sample.published.with_name("marketplace.2026-01-01T00-00-00.000000Z.duckdb")
    shutil.copy2(copy_of_sample.published, earlier)
    assert len(list(find(copy_of_sample, identifiers))) > len(known), "earlier releases are looked through"

    shutil.copytree(copy_of_sample.extracts, tmp_path / "extracts")
    rewrite(tmp_path / "extracts", identifiers)
    guide = (ROOT / "docs" / "guides" / "operating.md").read_text(encoding="utf-8")
    before_build, after_build = re.findall(r"^ *(rm .*)$", guide, re.MULTILINE)
    run_on_copy(copy_of_sample, before_build)
    assert not copy_of_sample.warehouse.exists()
    assert copy_of_sample.published.is_file(), "the release stays while the next one is built"
    environment = {
        **copy_of_sample.environment, "EXTRACTS_DIR": str(tmp_path / "extracts"), "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        [sys.executable, "-m", "ops.build", "--full-refresh"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert len(releases(copy_of_sample.published)) == 2, "the release of before is kept beside the new one"
    run_on_copy(copy_of_sample, after_build)
    assert figures_moved(sample_release.published, copy_of_sample.published) == []
    found = subprocess.run(
        [sys.executable, "-m", "ops.find_person", *identifiers],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )
    assert (found.stdout, found.returncode) == ("Not found.\n", 0)
    raw = b"".join(path.read_bytes() for path in copy_of_sample.published.parent.rglob("*") if path.is_file())
    assert [text for text in identifiers if text.encode() in raw] == []
