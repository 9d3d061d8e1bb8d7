"""Runs the programs of a build: measured, ended when the build is, and with a reason where the system killed one."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HEARTBEAT_SECONDS = 30
SECONDS_TO_END = 10
# DuckDB's words, in dbt's messages and as an exception of Python, and Python's own.
NO_MEMORY = ("Out of Memory Error", "OutOfMemoryException", "MemoryError")

_running: set[int] = set()
_lock = threading.RLock()


class Stopped(BaseException):
    """Someone ended the build: Ctrl-C or SIGTERM."""


@dataclass(frozen=True)
class Ended:
    """A program that has ended. A negative `code` is the signal that ended it.

    `peak_memory` is in bytes; a program that used less than the one which started it shows that one's.
    """

    name: str
    code: int
    output: str
    seconds: float
    cpu_seconds: float
    peak_memory: int

    @property
    def out_of_memory(self) -> bool:
        """Whether the system killed it, as it does when memory is short, or it said itself that memory is short."""
        return self.code in (-signal.SIGKILL, 128 + signal.SIGKILL) or any(word in self.output for word in NO_MEMORY)


def run(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    on_line: Callable[[str], None] = lambda line: None,
    on_wait: Callable[[float], None] = lambda seconds: None,
) -> Ended:
    """Run a program to its end. `on_line` gets each line it prints, `on_wait` the seconds so far when it is silent."""
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with _lock:
        _running.add(process.pid)
    try:
        output = _read(process.stdout, on_line, lambda: on_wait(time.monotonic() - started))
    except BaseException:
        stop_all()
        raise
    finally:
        _, status, usage = os.wait4(process.pid, 0)
        with _lock:
            _running.discard(process.pid)
        process.returncode = os.waitstatus_to_exitcode(status)  # or subprocess would wait for it once more
        process.stdout.close()
    return Ended(
        name=name,
        code=process.returncode,
        output=output,
        seconds=time.monotonic() - started,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_memory=usage.ru_maxrss * 1024,
    )


def stop_all() -> None:
    """Ask every running program to end, and end those that have not after a while. Returns at once."""
    _signal_all(signal.SIGTERM)
    timer = threading.Timer(SECONDS_TO_END, _signal_all, [signal.SIGKILL])
    timer.daemon = True
    timer.start()


def _signal_all(number: int) -> None:
    with _lock:
        for pid in _running:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def _read(stream: object, on_line: Callable[[str], None], on_wait: Callable[[], None]) -> str:
    read, rest = [], b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            if not selector.select(HEARTBEAT_SECONDS):
                on_wait()
                continue
            chunk = os.read(stream.fileno(), 2**16)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in [*lines, rest] if not chunk and rest else lines:
                read.append(line.decode(errors="replace"))
                on_line(read[-1])
            if not chunk:
                return "\n".join(read)
