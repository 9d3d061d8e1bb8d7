"""What the metrics of the sample's manifest say: all of it, nothing else, and nothing that is not there."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import jsonschema
import pytest

from ops.project import Settings, read_artifact
from python_checks.conventions.rules import KPI_SCHEMA, family, kpi_validator, kpis


@pytest.fixture(scope="module")
def manifest(sample_release: Settings) -> dict:
    return read_artifact(sample_release.target, "manifest.json")


def built_in(manifest: dict) -> list[tuple[dict, dict]]:
    """The KPIs with a column of their own, which say everything; custom ones are in test_custom_kpis.py."""
    return [(metric, kpi) for metric, kpi in kpis(manifest) if not kpi.get("is_custom")]


def errors(metric: dict, kpi: dict) -> str:
    return "\n".join(error.message for error in kpi_validator(metric, kpi).iter_errors(kpi))


def test_the_schema_itself_is_sound() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(KPI_SCHEMA.read_text(encoding="utf-8")))


def test_every_family_has_kpis_and_every_kpi_says_what_it_must(manifest: dict) -> None:
    marts = {node["name"] for node in manifest["nodes"].values() if node["name"].startswith("kpi_")}
    assert all(any(mart == f"kpi_{family(metric)}" for mart in marts) for metric, _ in built_in(manifest))
    assert {metric["name"]: errors(metric, kpi) for metric, kpi in kpis(manifest) if errors(metric, kpi)} == {}


def test_every_kpi_has_an_owner_a_label_and_a_description(manifest: dict) -> None:
    owners = {group["name"]: group["owner"]["name"] for group in manifest["groups"].values()}
    for metric, _ in built_in(manifest):
        assert owners.get(metric["config"]["group"]), f"{metric['name']} has no owner"
        assert metric["label"], f"{metric['name']} has no label"
        assert metric["description"], f"{metric['name']} has no description"


def test_every_metric_is_a_kpi_or_a_term(manifest: dict) -> None:
    for metric in manifest["metrics"].values():
        meta = metric["config"]["meta"]
        assert meta and set(meta) <= {"kpi", "term"}, f"{metric['name']} is neither a KPI nor a term: {sorted(meta)}"
        assert metric["description"] or meta.get("kpi", {}).get("is_custom"), f"{metric['name']} has no description"


def spoil(**changes: object) -> Callable[[dict], None]:
    return lambda kpi: kpi.update(changes)


def without(key: str) -> Callable[[dict], None]:
    return lambda kpi: kpi.pop(key)


@pytest.mark.parametrize(
    ("kpi_id", "change", "message"),
    [
        ("aov", spoil(owner="someone"), "'owner' was unexpected"),
        ("aov", without("objective"), "'objective' is a required property"),
        ("aov", without("action_when_bad"), "'action_when_bad' is a required property"),
        ("aov", spoil(denominator="orders"), "'denominator' was unexpected"),
        ("aov", spoil(formula="gmv / orders"), "'formula' was unexpected"),
        ("aov", spoil(needs=["reviews"]), "False schema does not allow ['reviews']"),
        ("aov", spoil(unit="euro"), "'euro' is not one of"),
        ("aov", spoil(direction="higher"), "'higher' is not one of"),
        ("aov", spoil(maturity_days=7), "False schema does not allow 7"),
        ("aov", spoil(dimensions=["shop"]), "'shop' is not one of"),
        ("aov", spoil(audience=[]), "[] should be non-empty"),
        ("aov", spoil(objective=" "), "is too short"),
        ("gmv_net", spoil(maturity_days=0), "0 is less than the minimum of 1"),
        ("gmv", without("needs"), "'needs' is a required property"),
        ("gmv", without("numerator"), "'numerator' is a required property"),
        ("gmv", spoil(bounds=[0, 1]), "False schema does not allow [0, 1]"),
        ("nps", spoil(bounds=[0, 1]), "[-100, 100] was expected"),
    ],
)
def test_a_kpi_that_says_too_little_or_too_much_fails(
    manifest: dict, kpi_id: str, change: Callable[[dict], None], message: str
) -> None:
    metric, said = next((metric, kpi) for metric, kpi in kpis(manifest) if metric["name"] == kpi_id)
    kpi = copy.deepcopy(said)
    assert errors(metric, kpi) == ""
    change(kpi)
    assert message in errors(metric, kpi)


def test_a_custom_kpi_says_little_and_nothing_that_its_terms_say() -> None:
    ratio = {"type": "ratio"}
    kpi = {"is_custom": True, "unit": "ratio", "direction": "up", "objective": "How much is kept."}
    assert errors(ratio, kpi) == ""
    assert errors(ratio, {**kpi, "is_custom": False}) != ""
    for key in ("unit", "direction", "objective"):
        assert f"{key!r} is a required property" in errors(
            ratio, {name: value for name, value in kpi.items() if name != key}
        )
    for key in ("numerator", "dated_by", "mode", "family", "needs"):
        assert errors(ratio, {**kpi, key: "order day"}) != "", key
