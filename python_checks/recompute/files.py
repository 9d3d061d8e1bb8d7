"""Which files count, as the input contract says."""

from __future__ import annotations

import codecs
import datetime as dt
import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ENDINGS = (".csv", ".csv.gz", ".parquet")
FIRST_YEAR, LAST_YEAR = 1990, 2100
BLOCK = 2**16


class ExtractError(Exception):
    """The extracts cannot be used at all; the message names the file and what was found."""


@dataclass(frozen=True)
class DeliveredFile:
    """A file of a table: `name` below the folder, `dt` of its folder (else empty), the day it was delivered."""

    path: Path
    name: str
    dt: str
    day: dt.date


def delivered_files(folder: Path, table: str) -> list[DeliveredFile]:
    """The files of a table in the order their rows supersede each other: by dt, then by name.

    They are `<table>.csv`, `.csv.gz`, `.parquet`, and such files below a folder `<table>`. Links are followed. What
    begins with `_` or `.` is no data, nor is a Hive folder by anything but dt. A file without any line is no file.
    Raises ExtractError for a dt that is no day.
    """
    places = [folder / f"{table}{ending}" for ending in ENDINGS]
    found = [*(path for path in places if path.is_file()), *_below(folder / table, frozenset())]
    files = []
    for path in found:
        if _is_empty(path):
            continue
        inside = path.relative_to(folder)
        days = [part.removeprefix("dt=") for part in inside.parts[1:-1] if part.startswith("dt=")]
        written = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date()
        day = _day(days[0], inside) if days else written
        files.append(DeliveredFile(path, inside.as_posix(), days[0] if days else "", day))
    return sorted(files, key=lambda file: (file.dt, file.name))


def _is_empty(path: Path) -> bool:
    if path.suffix == ".parquet" and path.stat().st_size:
        return False
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while block := file.read(BLOCK):
                if block.removeprefix(codecs.BOM_UTF8).strip(b"\r\n"):
                    return False
    except (OSError, EOFError, zlib.error) as error:
        raise ExtractError(f"{path}: not a readable file: {error}") from error
    return True


def _below(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if not folder.is_dir() or real in above:  # a link to a folder above would never end
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith(("_", ".")):
            continue
        if path.is_dir():
            if "=" not in path.name or path.name.startswith("dt="):
                yield from _below(path, above | {real})
        elif path.is_file() and path.name.endswith(ENDINGS):
            yield path


def _day(text: str, name: Path) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ExtractError(f"{name}: the folder dt={text} is no day (dt=YYYY-MM-DD)")
    return day
