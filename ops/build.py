"""Builds the project, checks the build and publishes it: what `make build` and `make publish` run.

    python -m ops.build                     land the extracts, dbt build, the checks, publishing; where files, code
                                            and settings are those of the release in force, only say so
    python -m ops.build --built             the checks and publishing, for a build that `dbt build` has just made
    python -m ops.build --full-refresh      as the first, with everything landed and loaded anew
    python -m ops.build --with-unit-tests   as the first, with the models' worked examples

Nothing is published unless every model was built, every test passed and every check passed. The environment says what
to build from and where to (README, "Settings"). Exit codes: 0 published, 1 refused because of the data, 2 failed
because of a check, the code or the machine, 3 wrong use. However it ends, last_build.json beside the build file tells.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import duckdb

from ops import child, findings
from ops.child import Ended, Stopped
from ops.dbt import BROKEN
from ops.land import LandingError, land
from ops.project import (
    PATHS,
    ROOT,
    CheckFailed,
    DataRefused,
    ProjectError,
    Settings,
    duckdb_memory,
    open_build,
    read_artifact,
)
from ops.publish import publish
from ops.report import Report

PUBLISHED, REFUSED, FAILED, WRONG_USE = range(4)
NOTHING_PUBLISHED = "Nothing was published."
# How the project's own SQL begins a message that stops a build because of the data (macro stop_with).
DATA_STOP = "The data stop the build: "
ERRORS_TOLD, LINES_TOLD = 5, 10
# What a build is made by, and the settings that only dbt reads.
BUILT_BY = ("models", "macros", "seeds", "tests", "python_checks", "ops", "dbt_project.yml", "profiles.yml",
            "requirements.lock")
ASKED_OF_DBT = ("AS_OF", "BUSINESS_TIMEZONE", "REPORTING_CURRENCY", "CALENDAR_COUNTRY", "PII_KEY")
# A check holds Python objects for what it reads; up to this many times the delivered bytes, checks run side by side.
SIDE_BY_SIDE = 50


class Arguments(argparse.ArgumentParser):
    """Ends with the exit code of wrong use instead of argparse's own."""

    def error(self, message: str) -> NoReturn:
        raise ProjectError(f"{message}. Try: python -m ops.build --help")


def main(arguments: list[str] | None = None) -> int:
    """Build, check and publish; returns the exit code. The release is untouched unless it is 0."""
    report = Report()
    try:
        _build(_arguments(arguments), report)
    except Stopped:
        code, reason = FAILED, f"Stopped from outside. {NOTHING_PUBLISHED}"
    except LandingError as error:
        report.rows = error.overview.splitlines()
        code, reason = REFUSED, f"{error}\n{NOTHING_PUBLISHED}"
    except DataRefused as error:
        code, reason = REFUSED, str(error)
    except CheckFailed as error:
        code, reason = FAILED, str(error)
    except ProjectError as error:
        code, reason = WRONG_USE, str(error)
    except Exception as error:  # a fault of the project's own: whoever mends it needs the trace
        traceback.print_exc()
        code, reason = FAILED, f"{type(error).__name__}: {error}"
    else:
        code, reason = PUBLISHED, ""
    try:
        path = report.write((ROOT / (os.environ.get("WAREHOUSE_DB") or PATHS["WAREHOUSE_DB"])).parent, code, reason)
    except OSError as error:
        report.closing.append(f"last_build.json was not written: {error}")
    else:
        report.closing.append(f"All of this as data: {path}")
    report.tell()
    if code:
        print(f"{'REFUSED' if code == REFUSED else 'FAILED'}: {reason}", file=sys.stderr)
    return code


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = Arguments(prog="python -m ops.build", description="Build, check and publish the project.")
    parser.add_argument("--built", action="store_true", help="take the build that is there")
    parser.add_argument("--full-refresh", action="store_true", help="land and load every file anew")
    parser.add_argument("--with-unit-tests", action="store_true", help="run the models' worked examples too")
    arguments = parser.parse_args(given)
    if arguments.built and (arguments.full_refresh or arguments.with_unit_tests):
        parser.error("--built takes the build that is there: neither --full-refresh nor --with-unit-tests applies")
    return arguments


def _build(arguments: argparse.Namespace, report: Report) -> None:
    settings = Settings.from_environment()
    report.facts["settings"] = {
        name: str(getattr(settings, name))
        for name in ("extracts", "connector", "landing", "warehouse", "published")
    } | {name: getattr(settings, name) for name in ("memory_limit", "max_rejected_share")}
    for folder in (settings.target, settings.warehouse.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone(settings), _without_spill(settings):
        dbt, digest = None, None
        if arguments.built and not (settings.landing / "_files.parquet").is_file():
            raise ProjectError(f"{settings.landing} holds no landed files: run `make build`.")
        if not arguments.built:
            _land(settings, arguments.full_refresh, report)
            digest = build_digest(settings)
            if not (arguments.full_refresh or arguments.with_unit_tests) and _stands(settings, digest):
                _tell_standing(settings, report)
                return
            dbt = _dbt_build(settings, arguments, report)
        results = _results(settings, dbt)
        manifest = read_artifact(settings.target, "manifest.json")
        failure = dbt_failure(manifest, results, dbt, settings) if dbt and dbt.code else None
        if _was_built(results, "load_audit", "rejected_rows"):
            try:
                _tell_rows(settings, manifest, report)
            except DataRefused as refusal:
                raise both_refused(refusal, failure) from None
        if failure:
            raise failure
        tests = count_tests(manifest, results)
        _tell_kpis(settings, report)
        report.say(f"checks: expectations, recomputation, rows read, conventions ({tests['pass']} dbt tests passed)")
        checks = _run_checks(settings, report)
        facts = release_facts(settings, results, tests, checks) | {"build_digest": digest}
        with report.step("publish"):
            rows = publish(settings.warehouse, settings.published, manifest, facts, settings.memory_limit)
        report.say(f"published {len(rows)} tables, {sum(rows.values()):,} rows ({report.took('publish')})")
        _tell_release(settings, report)


def _land(settings: Settings, full: bool, report: Report) -> None:
    report.say(f"landing {settings.extracts} in {settings.landing}")
    with report.step("land"):
        landed = land(settings.extracts, settings.landing, settings.connector, full, report.say)
    for warning in landed.warnings:
        report.warn(warning)
        report.say(f"warning: {warning}")
    counts = f"{len(landed.read):,} files read, {landed.kept:,} kept, {len(landed.forgotten):,} forgotten"
    report.say(f"landed: {counts} ({report.took('land')})")


def build_digest(settings: Settings, root: Path = ROOT) -> str:
    """SHA-256 over all that a build is made from: the landed files, the code that builds and checks, the settings."""
    with duckdb.connect() as connection:
        landed = connection.execute(
            "select table_name, file_name, bytes, modified_at from read_parquet(?) order by all",
            [str(settings.landing / "_files.parquet")],
        ).fetchall()
    asked = [settings.extracts, settings.connector, settings.memory_limit, settings.max_rejected_share]
    asked += [settings.environment.get(name, "") for name in ASKED_OF_DBT]
    digest = hashlib.sha256(repr((landed, [str(value) for value in asked])).encode())
    for path in sorted(path for name in BUILT_BY for path in (root / name, *(root / name).rglob("*"))):
        name = path.relative_to(root).as_posix()
        if path.is_file() and path.suffix != ".pyc" and not name.startswith("tests/python/"):
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _stands(settings: Settings, digest: str) -> bool:
    """Whether the release in force was made from just this, and the build file is still the one it was made of.

    A release of deliveries that reach the day it was built on stands for that day: on the next, more of them counts.
    """
    infos = []
    for path in (settings.published, settings.warehouse):
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                infos.append(connection.execute(
                    "select run_id, build_digest, as_of, built_at, business_timezone from marts.release_info"
                ).fetchone())
        except duckdb.Error:  # not there, of an earlier version, or in use
            return False
    (run, made_from, as_of, built_at, zone), (built_run, *_) = infos
    built_on, today = (at.astimezone(ZoneInfo(zone)).date() for at in (built_at.replace(tzinfo=UTC), datetime.now(UTC)))
    is_of_its_day = as_of >= built_on
    return (
        (run, made_from) == (built_run, digest)
        and (settings.target / "manifest.json").is_file()
        and not (is_of_its_day and today > built_on)
    )


def _tell_standing(settings: Settings, report: Report) -> None:
    """Tell of the release in force what its build told."""
    report.say("nothing new: files, code and settings are those of the release; nothing is built")
    _tell_rows(settings, read_artifact(settings.target, "manifest.json"), report)
    _tell_kpis(settings, report)
    with duckdb.connect(str(settings.published), read_only=True) as connection:
        (checks,) = connection.execute("select checks from marts.release_info").fetchone()
    _tell_checks(json.loads(checks), report)
    _tell_release(settings, report)


def count_tests(manifest: Mapping[str, Any], results: Mapping[str, Any]) -> Counter[str]:
    """How many data tests passed or warned in a run of dbt, by status.

    Raises CheckFailed unless that run built every model and seed of the manifest and ran every data test, all well:
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
        raise CheckFailed(
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
    with open_build(settings) as connection:
        (built,) = connection.execute("select run_id from marts.release_info").fetchone()
        files = connection.execute(
            "select table_name, file_name, rows_read, rows_loaded, rows_rejected, rows_superseded, bytes"
            " from marts.load_audit left join (select table_name, file_name, bytes from read_parquet(?)) as landed"
            " using (table_name, file_name) where contains(file_name, '.') order by all",
            [str(settings.landing / "_files.parquet")],
        ).fetchall()
    if built != run:
        raise ProjectError(f"{settings.warehouse} is of run {built}, the last run of dbt was {run}: run `make build`.")
    if gone := [file for _, file, *_, size in files if size is None]:
        raise ProjectError(f"{gone[0]} was landed for this build, {settings.landing} lacks it: run `make build`.")
    extent = "".join(f"{file}\n" for file in files)
    return {
        "published_at": datetime.now(UTC).replace(tzinfo=None),
        "code_version": code_version(),
        "engine_version": f"duckdb {duckdb.__version__}",
        "input_bytes": sum(size for *_, size in files),
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


def _results(settings: Settings, dbt: Ended | None) -> dict[str, Any]:
    """What the last run of dbt came to; nothing where it ended before it could say so."""
    if dbt and dbt.code and not (settings.target / "run_results.json").is_file():
        raise dbt_failure({"nodes": {}}, {"results": []}, dbt)
    return read_artifact(settings.target, "run_results.json")


def _was_built(results: Mapping[str, Any], *models: str) -> bool:
    built = {result["unique_id"].split(".")[-1] for result in results["results"] if result["status"] == "success"}
    return built.issuperset(models)


def dbt_failure(
    manifest: Mapping[str, Any], results: Mapping[str, Any], dbt: Ended, settings: Settings | None = None
) -> ProjectError:
    """Why dbt failed: DataRefused where all that failed are the project's own stops because of the data.

    With settings, a data test that failed shows the first row it found."""
    failed = {
        result["unique_id"]: f"{result['unique_id'].split('.')[2]}: {result.get('message') or result['status']}"
        + (first_row(settings, result) if settings and result["status"] == "fail" else "")
        for result in results["results"]
        if result["status"] in ("error", "fail", "runtime error")
    }
    events = filter(None, map(_event, dbt.output.splitlines()))
    said = list(failed.values()) or [event["msg"] for event in events if event["level"] == "error"]
    if dbt.out_of_memory:
        return CheckFailed(out_of_memory("dbt build"))
    lines = [line.partition(DATA_STOP)[2].strip() for message in said for line in message.splitlines()]
    stops = [stop for stop in dict.fromkeys(lines) if stop]
    if all(DATA_STOP in message or _judges_data(manifest, name) for name, message in failed.items()) and (
        stops or failed
    ):
        tests = [_short(message) for message in failed.values() if DATA_STOP not in message]
        return DataRefused("\n".join([*stops, *tests, NOTHING_PUBLISHED]))
    reasons = "".join(f"\n  {_short(message)}" for message in said[:ERRORS_TOLD])
    others = f"\n  and {len(said) - ERRORS_TOLD} more" if len(said) > ERRORS_TOLD else ""
    return CheckFailed(f"dbt build failed (exit code {dbt.code}):{reasons}{others}\n{NOTHING_PUBLISHED}")


def both_refused(rejected: DataRefused, failure: ProjectError | None) -> DataRefused:
    """Too many rejected rows, with what else in the data stopped dbt: who accepts the one shall know of the other."""
    if not isinstance(failure, DataRefused):
        return rejected
    first, others = (str(error).removesuffix(f"\n{NOTHING_PUBLISHED}") for error in (rejected, failure))
    return DataRefused(f"{first}\nWhatever share is accepted, this stops the build too:\n{others}\n{NOTHING_PUBLISHED}")


def first_row(settings: Settings, result: Mapping[str, Any]) -> str:
    """The first row that a failed data test found, as a line; nothing where it cannot be read any more."""
    if not result["unique_id"].startswith("test.") or not result.get("compiled_code"):
        return ""
    try:
        with open_build(settings) as connection:
            found = connection.execute(f"select * from ({result['compiled_code']}) as found limit 1")
            row, names = found.fetchone(), [name for name, *_ in found.description]
    except (duckdb.Error, ProjectError):
        return ""
    return "\n" + ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True)) if row else ""


def _short(message: str) -> str:
    """The first lines of a message of dbt."""
    lines = [line.rstrip() for line in message.strip().splitlines() if line.strip()]
    return "\n  ".join(lines[:LINES_TOLD] + ["..."] * (len(lines) > LINES_TOLD))


def _event(line: str) -> dict[str, str] | None:
    """A line of dbt's log, None for another."""
    try:
        return json.loads(line)["info"]
    except (ValueError, KeyError, TypeError):
        return None


def _judges_data(manifest: Mapping[str, Any], name: str) -> bool:
    """Whether a node is a test of the delivered data: one on a source."""
    node = manifest["nodes"].get(name, {})
    parents = node.get("depends_on", {}).get("nodes", [])
    return node.get("resource_type") == "test" and bool(parents) and all(id.startswith("source.") for id in parents)


def out_of_memory(name: str) -> str:
    """What to tell when a program was ended for want of memory."""
    return (
        f"{name} ran out of memory. Give the build more (MEMORY_LIMIT, now the limit of each process), or less where"
        " other programs need the machine's memory too; fewer threads (profiles.yml) need less, and what does not fit"
        f" goes to disk beside the build file, which needs room there. {NOTHING_PUBLISHED}"
    )


def _dbt_build(settings: Settings, arguments: argparse.Namespace, report: Report) -> Ended:
    report.say(f"dbt build, from {settings.landing} into {settings.warehouse}")
    # A file of an earlier run must not be taken for this one's, should dbt end before it writes its own.
    (settings.target / "run_results.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "ops.dbt", "build"]
    command += [] if arguments.with_unit_tests else ["--exclude-resource-type", "unit_test"]
    command += ["--full-refresh"] if arguments.full_refresh else []
    environment = {
        **settings.environment,
        "MEMORY_LIMIT": duckdb_memory(settings.memory_limit),
        "DBT_LOG_FORMAT": "json",
        "DBT_USE_COLORS": str(sys.stdout.isatty()),
    }
    ended = child.run("dbt build", command, environment, ROOT, on_line=lambda line: _tell_of_dbt(line, report))
    report.ended(ended)
    report.say(f"dbt build {'failed' if ended.code else 'passed'} ({report.took('dbt build')})")
    if ended.code == BROKEN:
        raise CheckFailed(f"Conventions are broken, as told above; nothing was built. {NOTHING_PUBLISHED}")
    return ended


def _tell_of_dbt(line: str, report: Report) -> None:
    """Print a line of dbt's log as dbt would, and keep it if it is a warning."""
    event = _event(line)
    if event and event["msg"]:
        report.say(event["msg"])
    else:
        print("" if event else line, flush=True)
    if event and event["level"] == "warn":
        report.warn(event["msg"])


def _tell_rows(settings: Settings, manifest: Mapping[str, Any], report: Report) -> None:
    """Tell what became of every delivered row. Raises DataRefused when too many were rejected."""
    tables = findings.contract(manifest, settings.connector)
    with open_build(settings) as connection:
        files, reasons = findings.read_files(connection), findings.read_reasons(connection)
        repeated = findings.repeated_keys(connection, settings.landing, tables, files)
        too_many = findings.too_many_rejected(
            connection, settings.landing, tables, files, reasons, settings.max_rejected_share
        )
    report.facts["files"] = findings.as_facts(files)
    report.facts["reasons"] = {table: findings.as_facts(why) for table, why in reasons.items()}
    report.facts["repeated_keys"] = findings.as_facts(repeated)
    report.rows = list(findings.table_of_rows(files, reasons, tables))
    for key in repeated:
        report.warn(str(key))
    if absent := [name for name in tables if not any(file.extract == name for file in files)]:
        report.left_out(f"tables that were not delivered: {', '.join(absent)}")
    if empty := sorted({file.extract for file in files} - {file.extract for file in files if file.read}):
        report.left_out(f"tables that were delivered without a row, as good as absent: {', '.join(empty)}")
    if rejected := sum(file.rejected for file in files):
        report.left_out(f"{rejected:,} rejected rows, each with its reason in marts.rejected_rows")
    if too_many:
        raise DataRefused(f"{too_many}\n{NOTHING_PUBLISHED}")


def _tell_kpis(settings: Settings, report: Report) -> None:
    """Tell which KPIs and which periods have no value, and why."""
    with open_build(settings) as connection:
        without = findings.kpis_without_value(connection)
        feeds = findings.feeds_in_part(connection)
    report.facts["kpis_without_value"] = findings.as_facts(without)
    report.facts["feeds_in_part"] = findings.as_facts(feeds)
    if without:
        loaded = {file["table"] for file in report.facts["files"] if file["loaded"]}
        report.left_out(f"{len(without)} KPIs without a value:", findings.lines_without_value(without, loaded))
    for feed in feeds:
        report.warn(str(feed)) if feed.ended else report.left_out(str(feed))


def _tell_release(settings: Settings, report: Report) -> None:
    with duckdb.connect(str(settings.published), read_only=True) as connection:
        run_id, as_of = connection.execute("select run_id, as_of from marts.release_info").fetchone()
    report.facts["release"] = {"path": str(settings.published), "run_id": run_id, "as_of": str(as_of)}
    query = f"duckdb.connect('{settings.published}', read_only=True).sql('from marts.kpi_values limit 20').show()"
    report.closing += [
        f"Published, as of {as_of}: {settings.published}",
        f'  look into it:    {sys.executable} -c "import duckdb; {query}"',
        f"  what proved it:  {settings.warehouse.parent / 'quality' / 'index.html'}",
        "  what it means:   make docs, then build/docs/index.html",
    ]


def _check_commands(settings: Settings) -> dict[str, list[str]]:
    extracts, database, target = str(settings.extracts), str(settings.warehouse), str(settings.target)
    page = str(settings.warehouse.parent / "quality" / "index.html")
    return {
        "recomputation": [
            *("python_checks.recompute", "--extracts", extracts),
            *("--connector", settings.connector, "--published", database),
        ],
        "expectations": ["python_checks.expectations", "--database", database, "--target", target, "--page", page],
        "rows_read": ["python_checks.rows_read", "--extracts", extracts, "--database", database],
        "conventions": ["python_checks.conventions", "--target", target],
    }


def _run_checks(settings: Settings, report: Report) -> dict[str, str]:
    """Run the checks. Returns the last line of each; raises CheckFailed when one failed.

    Two at a time, each with half of the memory, where the extracts are small beside it; else one after the other.
    """
    delivered = sum(path.stat().st_size for path in settings.extracts.rglob("*") if path.is_file())
    at_once = 2 if delivered * SIDE_BY_SIDE <= settings.memory_limit else 1
    environment = {**settings.environment, "MEMORY_LIMIT": f"{settings.memory_limit // at_once // 2**10}KiB"}
    summaries: dict[str, str] = {}
    failed: dict[str, Ended] = {}
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        running = [
            pool.submit(_run_check, name, module, environment, report)
            for name, module in _check_commands(settings).items()
        ]
        try:
            for finished in as_completed(running):
                ended = finished.result()
                report.ended(ended)
                last = (ended.output.strip().splitlines() or [""])[-1]
                if ended.code:
                    failed[ended.name] = ended
                    print(ended.output, flush=True)
                state = "FAILED" if ended.code else "passed"
                report.say(f"{ended.name} {state}: {last} ({report.took(ended.name)})")
                summaries[ended.name] = last
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    summaries = dict(sorted(summaries.items()))
    _tell_checks(summaries, report)
    if failed:
        starved = sorted(name for name, ended in failed.items() if ended.out_of_memory)
        if starved:
            raise CheckFailed(out_of_memory(" and ".join(starved)))
        names = " and ".join(sorted(failed))
        raise CheckFailed(f"{names} failed; the reasons stand above. {NOTHING_PUBLISHED}")
    return summaries


def _tell_checks(last_lines: dict[str, str], report: Report) -> None:
    """Keep the last line of each check, and tell of those that checked nothing."""
    report.facts["checks"] = last_lines
    for name, last in last_lines.items():
        if last.startswith("not "):
            report.left_out(f"{name}: {last}")


def _run_check(name: str, module: list[str], environment: Mapping[str, str], report: Report) -> Ended:
    """Run one check; a line every half minute tells that it still runs."""
    command = [sys.executable, "-m", *module]
    return child.run(name, command, environment, ROOT, on_wait=lambda s: report.say(f"{name} runs ({s:.0f} s)"))


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One build at a time in a target folder: dbt's files there describe one build file."""
    with (settings.target / ".build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProjectError(f"Another build is running in {settings.target}; wait for it to end.") from None
        yield


@contextmanager
def _without_spill(settings: Settings) -> Iterator[None]:
    """Leaves no spilled data behind, neither of this build nor of one that was killed."""

    def remove() -> None:
        for folder in settings.warehouse.parent.glob(f"{settings.warehouse.name}*.tmp"):
            shutil.rmtree(folder, ignore_errors=True)

    remove()
    try:
        yield
    finally:
        remove()


def _stop(*_: object) -> NoReturn:
    """Ends the running programs, then the build. A second signal changes nothing."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    child.stop_all()
    raise Stopped


def run() -> NoReturn:
    """The command line."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    sys.exit(main())


if __name__ == "__main__":
    run()
