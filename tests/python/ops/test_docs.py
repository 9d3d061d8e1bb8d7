"""The documentation is one file that needs no network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ops.project import ROOT, Settings


def test_the_documentation_is_one_file_that_loads_nothing(sample_release: Settings, tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "docs", "generate", "--static", "--target-path", str(tmp_path)],
        cwd=ROOT, env=sample_release.environment, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stdout
    page = (tmp_path / "static_index.html").read_text(encoding="utf-8")
    assert "One row per KPI" in page
    # the page has a tracker, which it loads only where statistics are allowed
    assert re.findall(r'"send_anonymous_usage_stats": (\w+)', page) == ["false"]
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//[^\"' >]+", page)
    assert loaded == []
