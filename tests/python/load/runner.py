"""Lands and runs dbt in forked processes, which start at once and can be killed at any statement or file operation.

One program parses the project, then takes requests from standard input, a JSON object a line, and forks for each:

    {"land": {extracts, landing, connector}, "dbt": [arguments], "environment": {}, "kill_at": n, "log": path}

With `kill_at` the process sends itself SIGKILL before its n-th file operation below the landing (land) or its n-th
statement (dbt), with `kill_after` when so many seconds have passed. The log gets everything printed, and every
statement. The answer, a line too: how the process ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from ops.land import land


class Countdown:
    """Kills this process when it was asked often enough."""

    def __init__(self, steps: int | None):
        self.steps = steps

    def __call__(self) -> None:
        if self.steps is not None:
            self.steps -= 1
            if self.steps < 0:
                os.kill(os.getpid(), signal.SIGKILL)


def run_land(extracts: str, landing: str, connector: str, countdown: Countdown) -> int:
    changes = {"open", "os.rename", "os.remove", "os.symlink", "os.mkdir", "os.chmod", "os.rmdir"}

    def on_event(event: str, arguments: tuple) -> None:
        if event in changes and landing in str(arguments[0]):
            countdown()

    sys.addaudithook(on_event)
    landed = land(Path(extracts), Path(landing), connector)
    print("read:", *landed.read)
    return 0


def run_dbt(manifest, arguments: list[str], countdown: Countdown) -> int:
    execute = DuckDBConnectionManager.add_query

    def add_query(self, sql, *others, **named):
        print(sql, flush=True)
        countdown()
        return execute(self, sql, *others, **named)

    DuckDBConnectionManager.add_query = add_query
    options = ["--no-use-colors", "--log-level-file", "none", "--no-write-json"]
    done = dbtRunner(manifest=manifest).invoke([*options, *arguments])
    DuckDBConnectionManager.close_all_connections()
    return 0 if done.success else 1


def serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    with Path(os.environ["DBT_LOG_PATH"], "parse.txt").open("w") as log:
        os.dup2(log.fileno(), 1)
        parsed = dbtRunner().invoke(["parse"])
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            status = 1
            try:
                os.environ.update(request.get("environment", {}))
                with Path(request["log"]).open("w") as log:
                    os.dup2(log.fileno(), 1)
                    os.dup2(log.fileno(), 2)
                if request.get("kill_after") is not None:
                    threading.Timer(request["kill_after"], os.kill, (os.getpid(), signal.SIGKILL)).start()
                countdown = Countdown(request.get("kill_at"))
                if "land" in request:
                    status = run_land(**request["land"], countdown=countdown)
                else:
                    status = run_dbt(parsed.result, request["dbt"], countdown)
            finally:
                sys.stdout.flush()
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(ended), file=answers, flush=True)


if __name__ == "__main__":
    serve()
