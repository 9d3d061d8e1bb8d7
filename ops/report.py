"""What a build tells: on the console while it runs, and in last_build.json beside the build file when it has ended.

last_build.json is written whole at every end. Its members: `result` (published, refused, failed or wrong_use),
`exit_code`, `reason`, `started_at` and `ended_at` (UTC), `settings`, `release` (path, run_id, as_of; null when nothing
was published), `files` (table, file, read, loaded, rejected, superseded), `reasons` (by table, most frequent first,
each with an example), `repeated_keys`, `left_out` (rows, tables, periods and checks, in words), `kpis_without_value`,
`feeds_in_part`, `warnings`, `checks` (the last line of each) and `steps` (seconds, CPU seconds, peak memory in bytes).
"""

from __future__ import annotations

import json
import os
import re
import resource
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.child import Ended

FILE = "last_build.json"
RESULTS = {0: "published", 1: "refused", 2: "failed", 3: "wrong_use"}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
TOLD_AT_MOST = 20


class Report:
    """What is known of one build so far: `facts` for last_build.json, `rows` and `closing` for the console's end."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.closing: list[str] = []
        self.details: dict[str, list[str]] = {}
        self.facts: dict[str, Any] = {
            "result": None,
            "exit_code": None,
            "reason": "",
            "started_at": _now(),
            "ended_at": None,
            "settings": {},
            "release": None,
            "files": [],
            "reasons": {},
            "repeated_keys": [],
            "left_out": [],
            "kpis_without_value": [],
            "feeds_in_part": [],
            "warnings": [],
            "checks": {},
            "steps": [],
        }

    def say(self, text: str) -> None:
        """Print a line with its time."""
        print(f"{datetime.now():%H:%M:%S}  {text}", flush=True)

    def warn(self, text: str) -> None:
        """Keep a warning."""
        self.facts["warnings"].append(COLOURS.sub("", text).strip().removeprefix("[WARNING]: "))

    def left_out(self, text: str, details: Iterable[str] = ()) -> None:
        """Keep what this build leaves out; the details are for the console alone."""
        self.facts["left_out"].append(text)
        self.details[text] = list(details)

    def tell(self) -> None:
        """Print how the build ended: rows, warnings, what is left out, and where to look next."""
        lines = list(self.rows)
        if warnings := self.facts["warnings"]:
            lines += ["", "Warnings:", *(f"  {text}" for text in warnings[:TOLD_AT_MOST])]
            lines += [f"  and {len(warnings) - TOLD_AT_MOST:,} more"] if len(warnings) > TOLD_AT_MOST else []
        if left_out := self.facts["left_out"]:
            lines += ["", "Left out:"]
            for text in left_out:
                lines += [f"  {text}", *(f"    {detail}" for detail in self.details[text])]
        print("\n".join(["", *lines, "", *self.closing]), flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step that runs in this process."""
        started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
        try:
            yield
        finally:
            after = resource.getrusage(resource.RUSAGE_SELF)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            self._measured(name, time.monotonic() - started, cpu, after.ru_maxrss * 1024)

    def ended(self, child: Ended) -> None:
        """Keep what a step that ran in a process of its own took."""
        self._measured(child.name, child.seconds, child.cpu_seconds, child.peak_memory)

    def _measured(self, name: str, seconds: float, cpu_seconds: float, peak_memory: int) -> None:
        step = {"seconds": round(seconds, 2), "cpu_seconds": round(cpu_seconds, 2), "peak_memory": peak_memory}
        self.facts["steps"].append({"step": name, **step})

    def took(self, name: str) -> str:
        """How long the step of this name took, to end a line with."""
        step = next(step for step in reversed(self.facts["steps"]) if step["step"] == name)
        return f"{step['seconds']:.1f} s, {step['cpu_seconds']:.1f} CPU-s, {step['peak_memory'] / 2**20:,.0f} MiB"

    def write(self, folder: Path, exit_code: int, reason: str) -> Path:
        """Write last_build.json, whole or not at all. Raises OSError when the folder cannot be written to."""
        self.facts |= {"result": RESULTS[exit_code], "exit_code": exit_code, "reason": reason, "ended_at": _now()}
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        new = path.with_name(f".{FILE}.{os.getpid()}")
        try:
            new.write_text(json.dumps(self.facts, indent=2, default=str) + "\n", encoding="utf-8")
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        return path


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
