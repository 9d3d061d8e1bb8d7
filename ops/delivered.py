"""Which files of an extracts folder are read as which table, and what lies there that nobody reads."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ENDINGS = (".csv", ".csv.gz", ".parquet")
# Endings of what may be meant as data, and what such a file has to become.
MEANT = {
    **{ending: ending for ending in ENDINGS}, ".gz": ".csv.gz", ".parq": ".parquet", ".pq": ".parquet",
    **dict.fromkeys((".zip", ".bz2", ".xz", ".zst", ".xlsx", ".xls", ".ods", ".tsv", ".tab", ".orc", ".avro"), ".csv"),
}


@dataclass(frozen=True)
class Delivered:
    """A file of a table. Its id changes with its content, as far as size and time tell."""

    path: Path
    name: str  # below the extracts folder
    table: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path, name: str, table: str) -> Delivered:
        stat = path.stat()
        return cls(path, name, table, stat.st_size, stat.st_mtime_ns)

    @property
    def id(self) -> str:
        return hashlib.sha256(f"{self.name} {self.size} {self.mtime_ns}".encode()).hexdigest()[:16]

    @property
    def format(self) -> str:
        return "parquet" if self.name.endswith(".parquet") else "csv"

    @property
    def dt(self) -> str | None:
        """The value of the folder dt=, the day of the delivery."""
        return next((part[3:] for part in self.name.split("/")[:-1] if part.startswith("dt=")), None)

    @property
    def too_late(self) -> datetime:
        """Two days after the delivery (dt, else the day the file was written): nothing can have happened by then."""
        written = datetime.fromtimestamp(min(self.mtime_ns // 10**9, 4_000_000_000), UTC).date()
        day = date.fromisoformat(self.dt) if self.dt else written
        return datetime.combine(day + timedelta(days=2), datetime.min.time())


def deliveries(extracts: Path, stems: dict[str, str]) -> tuple[list[Delivered], list[str], list[str]]:
    """The files of the tables (file name without ending -> table), problems, and what nobody reads with its advice."""
    files, problems, others = [], [], []
    for path, name in _walk(extracts, problems):
        table = _table(name, stems)
        if table is None:
            others.append((path, name))
        elif not path.exists():
            problems.append(f"{name}: a link to nothing")
        elif not _is_text(name):
            problems.append(f"{name!r}: the name of the file is not UTF-8")
        elif path.is_file():
            files.append(Delivered.of(path, name, table))
    for dt in sorted({f"{file.table}: dt={file.dt}" for file in files if file.dt is not None and not _is_day(file.dt)}):
        example = next(file for file in files if f"{file.table}: dt={file.dt}" == dt)
        problems.append(f"{example.name}: the folder dt={example.dt} is not a day (dt=YYYY-MM-DD)")
    return files, problems, list(dict.fromkeys(_unread(others, stems, {file.name for file in files})))


def _walk(folder: Path, problems: list[str], name: str = "", above: tuple[str, ...] = ()) -> Iterator[tuple[Path, str]]:
    """Every file with its name below the folder, in order. Links are followed, but not round in circles; what begins
    with `_` or `.` is never data."""
    here = os.path.realpath(folder)
    if here in above:
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(f"{name or folder}: {error.strerror}")
        return
    for entry in entries:
        if entry.name[0] in "._":
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), problems, f"{name}{entry.name}/", (*above, here))
        else:
            yield Path(entry.path), name + entry.name


def _table(name: str, stems: dict[str, str]) -> str | None:
    """The table a file is of, None when it is of none."""
    first, *folders = name.split("/")
    ending = next((ending for ending in ENDINGS if name.endswith(ending)), None)
    if ending is None:
        return None
    if not folders:
        return stems.get(first.removesuffix(ending))
    return None if any(_is_foreign(folder) for folder in folders[:-1]) else stems.get(first)


def _is_foreign(folder: str) -> bool:
    """Whether a folder is a Hive partition other than dt=."""
    return "=" in folder and not folder.startswith("dt=")


def _is_day(text: str) -> bool:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    return day.isoformat() == text and 1990 <= day.year <= 2100


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unread(others: Iterable[tuple[Path, str]], stems: dict[str, str], taken: set[str]) -> Iterator[str]:
    """What may be meant as data and is not read, with the name it should have where one can be told."""
    for path, name in others:
        shown = name.encode(errors="replace").decode()
        first, *folders = shown.split("/")
        foreign = next((place for place, folder in enumerate(folders[:-1], 1) if _is_foreign(folder)), None)
        ending = max((ending for ending in MEANT if shown.lower().endswith(ending)), key=len, default=None)
        if first in stems and folders:
            if foreign:
                folder, key = "/".join([first, *folders[:foreign]]), folders[foreign - 1].split("=")[0]
                yield f"{folder}/ (of partitions, only dt= is read: {key} should be a column)"
            elif ending or "." not in folders[-1]:
                stem = shown[: len(shown) - len(ending)] if ending else shown
                yield f"{shown} (should be {stem}{MEANT[ending] if ending else _form(path)})"
        elif folders:
            table = _meant(first.split(".")[0], stems)
            if table or ending or folders[-1].startswith("part-"):
                yield f"{first}/" + (f" (should be {table}/)" if table else "")
        else:
            stem = shown[: len(shown) - len(ending)] if ending else shown.split(".")[0]
            table = _meant(stem, stems)
            if table is None:
                if ending:
                    yield shown
                continue
            proper = MEANT[ending] if ending else _form(path)
            alone = f"{table}{proper}"
            is_alone = stem.lower().split(".")[0] == table or not re.search(r"[\d_. -]", stem.removeprefix(table))
            yield f"{shown} (should be {alone if is_alone and alone not in taken else f'{table}/{stem}{proper}'})"


def _meant(stem: str, stems: dict[str, str]) -> str | None:
    """The table whose name a name holds as a word or nearly equals."""
    words = f"_{'_'.join(re.findall('[a-z]+', stem.lower()))}_"
    held = [name for name in stems if f"_{name}_" in words]
    return max(held, key=len) if held else next(iter(difflib.get_close_matches(words.strip("_"), stems, 1, 0.85)), None)


def _form(path: Path) -> str:
    """The ending that the first bytes of a file without one speak for."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError:
        return ".csv"
    return ".parquet" if start == b"PAR1" else ".csv.gz" if start[:2] == b"\x1f\x8b" else ".csv"
