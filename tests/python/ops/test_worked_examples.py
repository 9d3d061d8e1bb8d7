"""The page of worked examples follows the unit tests, and every KPI is worked."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ops.project import ROOT, ProjectError
from ops.worked_examples import PAGE, page, read_examples

TEST = """
unit_tests:
  - name: rate_is_worked
    description: 1 / 4 = 0.25.
    model: kpi_family
    config: {{meta: {meta}}}
    given: []
    expect: {{rows: [{{rate: 0.25}}]}}
"""


def _marts(folder: Path, meta: str) -> Path:
    (folder / "family").mkdir()
    (folder / "family" / "kpi_family.yml").write_text(TEST.format(meta=meta), encoding="utf-8")
    return folder


def _kpi_ids() -> set[str]:
    """Every metric that is a KPI, read from the definitions; a custom one divides terms that others have worked."""
    found = set()
    for path in (ROOT / "models" / "marts").glob("*/*.yml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        metrics = content.get("metrics", []) + [
            metric for model in content.get("models", []) for metric in model.get("metrics", [])
        ]
        for metric in metrics:
            kpi = metric.get("config", {}).get("meta", {}).get("kpi")
            if kpi and not kpi.get("is_custom"):
                found.add(metric["name"])
    return found


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(read_examples())


def test_every_kpi_is_worked():
    worked = {example.kpi_id for example in read_examples()}
    assert _kpi_ids()
    assert worked == _kpi_ids()


def test_a_unit_test_begins_with_the_kpi_it_works():
    assert [e.test for e in read_examples() if not e.test.startswith(f"{e.kpi_id}_")] == []


def test_an_example_says_answer_and_mistake(tmp_path):
    marts = _marts(tmp_path, "{kpi: rate, mistake: mean of rates, mistake_gives: 0.5}")
    assert "| rate | 0.25 | 1 / 4 = 0.25. | mean of rates | 0.5 | `rate_is_worked` |" in page(read_examples(marts))


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ("{kpi: rate, mistake_gives: 0.5}", "lacks mistake"),
        ("{kpi: rate, mistake: mean of rates}", "lacks mistake_gives"),
        ("{kpi: other, mistake: mean of rates, mistake_gives: 0.5}", "expects no column other"),
        ("{kpi: rate, mistake: mean of rates, mistake_gives: 0.25}", "the mistake gives the right answer 0.25"),
    ],
)
def test_an_example_that_proves_nothing_is_refused(tmp_path, meta, said):
    with pytest.raises(ProjectError, match=rf"kpi_family.yml: unit test rate_is_worked: .*{said}"):
        read_examples(_marts(tmp_path, meta))
