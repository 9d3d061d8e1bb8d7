"""Measures builds of simulated markets beside the floor of the machine:  python -m ops.benchmark [--large]

A market of each size is simulated as Parquet, with ten times as many events as orders, and its last day kept apart.
Then, in one run: reading every column of every extract once (the floor), the build from nothing, a build with nothing
new, the build of one more day, and one KPI asked of MetricFlow. A market as busy with half the history is built by dbt
with and without its last day. Processor seconds and peak memory are those of each step's own process.

Writes docs/benchmark.json, which docs/images/benchmark.svg draws: ratios first, for seconds differ between machines.
Exit codes: 0 measured, 1 a build failed, 3 wrong use.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ops import child
from ops.project import PATHS, ROOT, Settings, linked_project, read_artifact
from ops.report import FILE
from ops.spark import NO_UNIT_TESTS

SIZES = {"100 thousand": 100_000, "1 million": 1_000_000}
LARGE = {"10 million": 10_000_000}
DAYS = 730
PAGE = ROOT / "docs" / "benchmark.json"
# The largest value of each column: a count would be answered from a Parquet file's statistics.
FLOOR = """
import sys, duckdb
from pathlib import Path
for path in sorted(Path(sys.argv[1]).rglob("*.parquet")):
    duckdb.execute(f"select max(columns(*)) from read_parquet('{path}')").fetchall()
"""
LAYERS = ("staging", "intermediate", "core", "trust", "kpi", "decisions", "sellers", "journeys")


def main(arguments: list[str] | None = None) -> int:
    """Measure each size and write the page; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.benchmark", description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="10 million orders too")
    parser.add_argument("--orders", type=int, nargs="+", help="these sizes instead")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench", help="where markets and builds lie")
    given = parser.parse_args(arguments)
    sizes = {f"{orders:,}": orders for orders in given.orders or []} or (SIZES | (LARGE if given.large else {}))
    measured = {"machine": _machine(), "dbt_start_cpu_seconds": _start(), "sizes": {}}
    for name, orders in sizes.items():
        try:
            measured["sizes"][name] = {
                "orders": orders, **_measure(given.folder / str(orders), orders, measured["dbt_start_cpu_seconds"]),
            }
        except subprocess.CalledProcessError as error:
            print(f"{name} orders: {error}", file=sys.stderr)
            return 1
        # after each, for the next takes ten times as long
        PAGE.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
        draw(measured, PAGE.parent / "images" / "benchmark.svg")
        print(f"Written: {PAGE} and its picture")
    return 0


def _measure(folder: Path, orders: int, start: float) -> dict[str, Any]:
    """One size: the market, the floor, three builds; seconds, processor seconds and bytes of memory of each step.

    `start` is what dbt's start alone takes."""
    extracts, apart = _market(folder, orders, DAYS)
    run = _runner(folder)
    steps = {"floor": run("floor", "-c", FLOOR, str(extracts))}
    for name, flags in (("full", ["--full-refresh"]), ("nothing new", []), ("one more day", [])):
        if name == "one more day":
            _move(apart, extracts)
        whole = run(name, "-m", "ops.build", *flags)
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        steps[name] = whole | {"steps": told["steps"]}
        if any(step["step"] == "dbt build" for step in told["steps"]):
            steps[name]["dbt"] = _profile(Settings.from_environment(_environment(folder)).target)
    steps["MetricFlow, one KPI by month"] = _ask_metricflow(folder, run)
    _move(extracts, apart)
    steps |= _half_the_history(folder / "half", orders // 2)
    return {"input_bytes": _bytes(extracts), "events": _rows(told, "events"), "steps": steps, **_ratios(steps, start)}


def _market(folder: Path, orders: int, days: int) -> tuple[Path, Path]:
    """The extracts of a simulated market, and the folder that keeps its last day apart."""
    extracts, apart = folder / "extracts", folder / "last-day"
    if not (extracts / "truth.json").is_file():
        _runner(folder)("simulate", "-m", "ops.simulate", "--out", str(extracts), "--orders", str(orders),
                        "--days", str(days), "--format", "parquet", "--last-days", "1")
    _move(extracts, apart)
    return extracts, apart


def _half_the_history(folder: Path, orders: int) -> dict[str, Any]:
    """dbt alone on a market of half the days that is as busy: what a day costs should not hang on what came before."""
    extracts, apart = _market(folder, orders, DAYS // 2)
    run = _runner(folder)
    steps = {}
    for name, flags in (("full", ["--full-refresh"]), ("one more day", [])):
        if name == "one more day":
            _move(apart, extracts)
        run("landing", "-m", "ops.land", *(["--full"] if flags else []))
        steps[f"dbt, half the history: {name}"] = run(name, "-m", "ops.dbt", "build", *NO_UNIT_TESTS, *flags)
    _move(extracts, apart)
    return steps


def _ask_metricflow(folder: Path, run: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """GMV by month of the semantic layer."""
    project = folder / "metricflow"
    shutil.rmtree(project, ignore_errors=True)
    linked_project(project, Settings.from_environment(_environment(folder)).target)
    program = str(Path(sys.executable).with_name("mf"))
    return run("MetricFlow", program, "query", "--metrics", "gmv", "--group-by", "metric_time__month", place=project)


def _ratios(steps: dict[str, Any], start: float) -> dict[str, Any]:
    """Processor time against the floor, of a day against a full build, of the recomputation against dbt."""
    floor = steps["floor"]["cpu_seconds"]
    full, day = (
        {step["step"]: step["cpu_seconds"] for step in steps[name]["steps"]} for name in ("full", "one more day")
    )
    half = steps["dbt, half the history: one more day"]["cpu_seconds"]
    return {"ratios": {
        "dbt build without its start, to the floor": round((full["dbt build"] - start) / floor, 1),
        "recomputation in polars, to the floor": round(full["recomputation"] / floor, 1),
        "dbt build to the recomputation": round(full["dbt build"] / full["recomputation"], 2),
        "dbt: one more day to the whole": round(day["dbt build"] / full["dbt build"], 2),
        "dbt: one more day, to half the history": round(day["dbt build"] / half, 2),
    }}


def _profile(target: Path) -> dict[str, Any]:
    """Where dbt's time went: thread seconds by layer and of the tests, and the dearest models."""
    results, manifest = read_artifact(target, "run_results.json"), read_artifact(target, "manifest.json")
    layers: Counter[str] = Counter()
    models = {}
    for result in results["results"]:
        kind, _, name, *_ = result["unique_id"].split(".")
        path = manifest["nodes"][result["unique_id"]]["original_file_path"] if kind == "model" else ""
        layer = next((layer for layer in LAYERS if f"/{layer}/" in path), "families") if path else f"{kind}s"
        layers[layer] += result["execution_time"]
        if path:
            models[name] = round(result["execution_time"], 1)
    dearest = dict(sorted(models.items(), key=lambda model: -model[1])[:10])
    thread_seconds = {layer: round(seconds, 1) for layer, seconds in layers.most_common()}
    return {"thread_seconds": thread_seconds, "dearest": dearest}


def _start() -> float:
    """Processor seconds of dbt's start: reading the project, with nothing to run."""
    ended = child.run("dbt ls", [sys.executable, "-m", "dbt.cli.main", "-q", "ls", "--select", "release_info"],
                      Settings.from_environment().environment, ROOT)
    return round(ended.cpu_seconds, 2)


def _runner(folder: Path) -> Callable[..., dict[str, Any]]:
    """How the programs of one size are run; each prints what it does, and one that fails stops the measuring."""
    folder.mkdir(parents=True, exist_ok=True)

    def run(name: str, *arguments: str, place: Path = ROOT) -> dict[str, Any]:
        print(f"== {folder}: {name}", flush=True)
        environment = Settings.from_environment(_environment(folder)).environment if name != "simulate" else os.environ
        if place != ROOT:  # where paths within the project would name other files
            environment = {**environment, **_environment(folder)}
            environment |= {"DBT_PROFILES_DIR": str(place), "DBT_PROJECT_DIR": str(place)}
        program = [] if Path(arguments[0]).is_absolute() else [sys.executable]
        ended = child.run(name, [*program, *arguments], environment, place, on_line=print)
        if ended.code:
            raise subprocess.CalledProcessError(ended.code, name)
        return {"seconds": round(ended.seconds, 2), "cpu_seconds": round(ended.cpu_seconds, 2),
                "peak_memory": ended.peak_memory}

    return run


def _environment(folder: Path) -> dict[str, str]:
    own = {name: str(folder / Path(default).name) for name, default in PATHS.items()}
    (folder / "extracts").mkdir(parents=True, exist_ok=True)
    return {**os.environ, **own, "EXTRACTS_DIR": str(folder / "extracts"), "MEMORY_LIMIT": "8GiB"}


def _move(source: Path, target: Path) -> None:
    """The deliveries of single days, from one folder of extracts into another."""
    for day in sorted(source.glob("*/dt=*")):
        place = target / day.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(day, place)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


def _rows(told: dict[str, Any], table: str) -> int:
    return sum(file["read"] for file in told["files"] if file["table"] == table)


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cores": len(os.sched_getaffinity(0)), "memory": memory}


def draw(measured: dict[str, Any], path: Path) -> None:
    """The picture of docs/benchmark.json: the ratios of each size as bars."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "benchmark"
    from matplotlib import pyplot

    sizes = measured["sizes"]
    names = list(next(iter(sizes.values()))["ratios"])
    figure, axes = pyplot.subplots(1, len(names), figsize=(3.4 * len(names), 3.2), layout="constrained")
    for axis, name in zip(axes, names, strict=True):
        bars = axis.bar(list(sizes), [size["ratios"][name] for size in sizes.values()], color="#2f6f8f")
        axis.bar_label(bars)
        axis.set_title(name, fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlabel("orders", fontsize=8)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
