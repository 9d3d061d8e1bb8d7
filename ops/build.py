"""Builds the project, checks the build and publishes it: what `make build` and `make publish` run.

    python -m ops.build                     dbt build, the checks, publishing
    python -m ops.build --built             the checks and publishing, for a build that `dbt build` has just made
    python -m ops.build --with-unit-tests   as the first, with the models' worked examples

Nothing is published unless every model was built, every test passed and every check passed. The environment says what
to build from and where to (README, "Settings").
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ops.project import ROOT, ProjectError, Settings, read_artifact
from ops.publish import publish

HEARTBEAT_SECONDS = 30


def main() -> None:
    """Build, check and publish. Raises ProjectError, with the release untouched, when anything failed."""
    parser = argparse.ArgumentParser(prog="python -m ops.build", description="Build, check and publish the project.")
    parser.add_argument("--built", action="store_true", help="take the build that is there")
    parser.add_argument("--with-unit-tests", action="store_true", help="run the models' worked examples too")
    arguments = parser.parse_args()
    settings = Settings.from_environment()
    for folder in (settings.target, settings.warehouse.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone(settings):
        if not arguments.built:
            _dbt_build(settings, arguments.with_unit_tests)
        results = read_artifact(settings.target, "run_results.json")
        manifest = read_artifact(settings.target, "manifest.json")
        tests = count_tests(manifest, results)
        _say(f"checks: expectations, recomputation, rows read, conventions ({tests['pass']} dbt tests passed)")
        checks = _run_checks(settings)
        started = time.monotonic()
        facts = release_facts(settings, results, tests, checks)
        rows = publish(settings.warehouse, settings.published, manifest, facts)
        _say(f"published {len(rows)} tables, {sum(rows.values()):,} rows{_took(started)}: {settings.published}")


def count_tests(manifest: Mapping[str, Any], results: Mapping[str, Any]) -> Counter[str]:
    """How many data tests passed or warned in a run of dbt, by status.

    Raises ProjectError unless that run built every model and seed of the manifest and ran every data test, all well:
    a build of a part, or one after which only a part was run again, is not known to be good as a whole.
    """
    status = {result["unique_id"]: result["status"] for result in results["results"]}
    needed = {
        name: node
        for name, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed", "snapshot", "test")
        and node["config"]["materialized"] != "ephemeral"
    }
    bad = sorted(name for name in needed if status.get(name) not in ("success", "pass", "warn"))
    if bad:
        shown = ", ".join(f"{name.split('.')[2]} ({status.get(name, 'not run')})" for name in bad[:5])
        raise ProjectError(
            f"The last run of dbt did not build and test everything: {len(bad)} of {len(needed)} nodes, "
            f"such as {shown}. Run `dbt build` (or `make build`)."
        )
    return Counter(status[name] for name, node in needed.items() if node["resource_type"] == "test")


def release_facts(
    settings: Settings, results: Mapping[str, Any], tests: Mapping[str, int], checks: Mapping[str, str]
) -> dict[str, Any]:
    """The columns of `release_info` that a build cannot know of itself.

    Raises ProjectError when the build file was made by another run of dbt than the results tell of.
    """
    run = results["metadata"]["invocation_id"]
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        (built,) = connection.execute("select run_id from marts.release_info").fetchone()
        files = connection.execute(
            "select table_name, file_name, rows_read, rows_loaded, rows_rejected, rows_superseded"
            " from marts.load_audit where contains(file_name, '.') order by all"
        ).fetchall()
    if built != run:
        raise ProjectError(f"{settings.warehouse} is of run {built}, the last run of dbt was {run}: run `make build`.")
    sizes = [(settings.extracts / name).stat().st_size for _, name, *_ in files]
    extent = "".join(f"{(*file, size)}\n" for file, size in zip(files, sizes, strict=True))
    return {
        "published_at": datetime.now(UTC).replace(tzinfo=None),
        "code_version": code_version(),
        "engine_version": f"duckdb {duckdb.__version__}",
        "input_bytes": sum(sizes),
        "input_digest": hashlib.sha256(extent.encode()).hexdigest(),
        "tests_passed": tests["pass"],
        "tests_warned": tests["warn"],
        "checks": json.dumps(checks),
    }


def code_version(root: Path = ROOT) -> str:
    """The project's version, with the commit and `dirty` where the project is a git work tree of its own."""
    version = next(
        line.split(":")[1].strip()
        for line in (root / "dbt_project.yml").read_text(encoding="utf-8").splitlines()
        if line.startswith("version:")
    )
    if not (root / ".git").exists():
        return version
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):  # no git, or a work tree it does not trust
        return version
    return f"{version}+{described.stdout.strip()}"


def _dbt_build(settings: Settings, with_unit_tests: bool) -> None:
    started = time.monotonic()
    _say(f"dbt build, from {settings.extracts} into {settings.warehouse}")
    # A file of an earlier run must not be taken for this one's, should dbt end before it writes its own.
    (settings.target / "run_results.json").unlink(missing_ok=True)
    command = [str(Path(sys.executable).with_name("dbt")), "build"]
    command += [] if with_unit_tests else ["--exclude-resource-type", "unit_test"]
    code = subprocess.run(command, cwd=ROOT, env=settings.environment, check=False).returncode
    if code:
        raise ProjectError(f"dbt build failed (exit code {code}); what failed stands above. Nothing was published.")
    _say(f"dbt build passed{_took(started)}")


def _check_commands(settings: Settings) -> dict[str, list[str]]:
    extracts, database, target = str(settings.extracts), str(settings.warehouse), str(settings.target)
    return {
        "recomputation": [
            "python_checks.recompute",
            "--extracts",
            extracts,
            "--connector",
            settings.connector,
            "--published",
            database,
        ],
        "expectations": [
            "python_checks.expectations",
            "--database",
            database,
            "--target",
            target,
            "--page",
            str(settings.warehouse.parent / "quality" / "index.html"),
        ],
        "rows_read": ["python_checks.rows_read", "--extracts", extracts, "--database", database],
        "conventions": ["python_checks.conventions", "--target", target],
    }


def _run_checks(settings: Settings) -> dict[str, str]:
    """Run the checks side by side, two at a time. Returns the last line of each; raises ProjectError if one failed."""
    summaries: dict[str, str] = {}
    failed = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {
            pool.submit(_run_check, name, module, settings): name for name, module in _check_commands(settings).items()
        }
        for finished in as_completed(running):
            name = running[finished]
            code, output = finished.result()
            lines = output.strip().splitlines() or [""]
            if code:
                failed.append(name)
                print(output, flush=True)
            _say(f"{name} {'FAILED' if code else 'passed'}: {lines[-1]}")
            summaries[name] = lines[-1]
    if failed:
        raise ProjectError(f"{' and '.join(sorted(failed))} failed; the reasons stand above. Nothing was published.")
    return dict(sorted(summaries.items()))


def _run_check(name: str, module: list[str], settings: Settings) -> tuple[int, str]:
    """Run one check; a line every half minute tells that it still runs. Returns its exit code and what it printed."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=ROOT,
        env=settings.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    while True:
        try:
            output, _ = process.communicate(timeout=HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            _say(f"{name} runs{_took(started)}")
        else:
            return process.returncode, output


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One build at a time in a target folder: dbt's files there describe one build file."""
    with (settings.target / ".build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProjectError(f"Another build is running in {settings.target}; wait for it to end.") from None
        yield


def _took(started: float) -> str:
    return f" ({time.monotonic() - started:.1f} s)"


def _say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S}  {text}", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped; nothing was published."))  # ends a running dbt too
    try:
        main()
    except ProjectError as error:
        sys.exit(f"FAILED: {error}")
