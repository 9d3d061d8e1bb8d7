"""Which files of an extracts folder are read as which table, and what lies there that nobody reads."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Iterator
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
    """A file of a table. Its id changes with its content, as far as place, size and time tell."""

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
        told = f"{self.name} {os.path.realpath(self.path)} {self.size} {self.mtime_ns}"
        return hashlib.sha256(told.encode()).hexdigest()[:16]

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
    bad_days = {(file.table, file.dt): file for file in files if file.dt is not None and not _is_day(file.dt)}
    for file in bad_days.values():
        problems.append(f"{file.name}: the folder dt={file.dt} is not a day (dt=YYYY-MM-DD)")
    taken = {file.name for file in files}
    unread = dict.fromkeys(_advice(path, name, stems, taken) for path, name in others)
    return files, problems, [words for words in unread if words]


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


def _advice(path: Path, name: str, stems: dict[str, str], taken: set[str]) -> str | None:
    """A file that nobody reads with the name it should have where one can be told; None when it is hardly meant as
    data. What lies in one folder that nobody reads has one name."""
    name = "".join(character if character.isprintable() else "\ufffd" for character in name)
    first, *folders, last = name.split("/") if "/" in name else ("", name)
    ending = max((ending for ending in MEANT if last.lower().endswith(ending)), key=len, default="")
    stem = last[: len(last) - len(ending)]
    proper = MEANT[ending] if ending else actual_form(path)
    if first in stems:
        foreign = next((place for place, folder in enumerate(folders, 1) if _is_foreign(folder)), None)
        if foreign:
            folder, key = "/".join([first, *folders[:foreign]]), folders[foreign - 1].split("=")[0]
            return f"{folder}/ (of partitions, only dt= is read: {key} should be a column)"
        return f"{name} (should be {'/'.join([first, *folders, stem])}{proper})" if ending or "." not in last else None
    if first:
        meant = _meant(first.split(".")[0], stems)
        if meant:
            return f"{first}/ (should be {meant}/)"
        return f"{first}/" if ending or last.startswith("part-") else None
    stem = stem if ending else stem.split(".")[0]
    meant = _meant(stem, stems)
    if meant is None:
        return name if ending else None
    alone = f"{meant}{proper}"
    is_alone = meant not in stem.lower() or re.sub(r"\W|_", "", stem.split(".")[0].lower()) == meant.replace("_", "")
    return f"{name} (should be {alone if is_alone and alone not in taken else f'{meant}/{stem}{proper}'})"


def _meant(stem: str, stems: dict[str, str]) -> str | None:
    """The table whose name a name holds as a word or nearly equals."""
    words = f"_{'_'.join(re.findall('[a-z]+', stem.lower()))}_"
    held = [name for name in stems if f"_{name}_" in words]
    return max(held, key=len) if held else next(iter(difflib.get_close_matches(words.strip("_"), stems, 1, 0.85)), None)


def actual_form(path: Path) -> str:
    """The ending that the first bytes of a file speak for."""
    if not path.is_file():  # a pipe would wait for its writer
        return ".csv"
    with path.open("rb") as file:
        start = file.read(4)
    return ".parquet" if start == b"PAR1" else ".csv.gz" if start[:2] == b"\x1f\x8b" else ".csv"
