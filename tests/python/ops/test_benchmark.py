"""The benchmark measures each of its steps, at a size that takes minutes, and draws what it measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops import benchmark


def test_each_step_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "benchmark.json"
    monkeypatch.setattr(benchmark, "PAGE", page)
    assert benchmark.main(["--orders", "2000", "--folder", str(tmp_path / "markets")]) == 0

    measured = json.loads(page.read_text(encoding="utf-8"))
    size = measured["sizes"]["2,000"]
    assert set(size["steps"]) == {
        "floor", "full", "one more day", "nothing new", "MetricFlow, one KPI by month",
        "dbt, half the history: full", "dbt, half the history: one more day",
    }
    assert all(step["cpu_seconds"] > 0 and step["peak_memory"] > 2**20 for step in size["steps"].values())
    assert size["events"] > 10 * 2000 * 0.9
    assert "dbt" not in size["steps"]["nothing new"]  # told from the release, dbt is not started
    assert {"tests", "core", "kpi"} & set(size["steps"]["full"]["dbt"]["thread_seconds"])
    assert all(ratio > 0 for ratio in size["ratios"].values())
    picture = (tmp_path / "images" / "benchmark.svg").read_text(encoding="utf-8")
    assert picture.lstrip().startswith("<?xml")


def test_a_build_that_fails_stops_the_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "benchmark.json"
    monkeypatch.setattr(benchmark, "PAGE", page)
    monkeypatch.setattr(benchmark, "FLOOR", "raise SystemExit(1)")
    assert benchmark.main(["--orders", "500", "--folder", str(tmp_path / "markets")]) == 1
    assert "floor" in capsys.readouterr().err
    assert not page.exists()
