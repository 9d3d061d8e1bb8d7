"""The conventions: a sound manifest keeps all of them, and each is seen to break."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from python_checks.conventions import rules
from python_checks.recompute.catalogue import Kpi


def column(name: str, **meta: object) -> dict:
    return {"name": name, "description": f"The {name}.", "data_type": "string", "config": {"meta": meta}}


ORDERS = "select\n    order_id,\n    email_hash\n"  # as base_ and stg_ name the columns of their contract


def source(owner: str, name: str, *columns: dict, **meta: object) -> dict:
    return {
        "resource_type": "source",
        "source_name": owner,
        "name": name,
        "columns": {one["name"]: one for one in columns},
        "config": {"meta": meta},
    }


def model(path: str, *parents: str, columns: tuple[dict, ...] = (column("order_id"),), sql: str = "") -> dict:
    name = Path(path).stem
    is_published = path.startswith("marts/")
    return {
        "resource_type": "model",
        "name": name,
        "original_file_path": f"models/{path}",
        "patch_path": f"project://models/{path.replace('.sql', '.yml')}",
        "description": f"One row per {name}.",
        "depends_on": {"nodes": list(parents)},
        "raw_code": sql,
        "columns": {one["name"]: one for one in columns},
        "config": {
            "access": "public" if is_published else "protected",
            "contract": {"enforced": is_published},
            "group": "quality" if is_published else None,
            "materialized": "table",
        },
    }


def term(name: str) -> dict:
    said = {"unit": "count", "of": "orders", "dated_by": "order day", "maturity_days": 30}
    cut = {"dimensions": ["country"], "needs": ["order_lines.shipped_at"]}
    return {
        "name": name, "type": "simple", "type_params": {}, "description": name,
        "original_file_path": "models/marts/core/_core__metrics.yml", "config": {"meta": {"term": {**said, **cut}}},
    }  # fmt: skip


SOUND = {
    "nodes": {
        "base_olist__deals": model("staging/olist/base/base_olist__deals.sql", "deals", sql="select\n    deal_id,\n"),
        "stg_olist__orders": model("staging/olist/stg_olist__orders.sql", "base_olist__deals", columns=()),
        "base_orders": model("staging/base/base_orders.sql", "orders", "stg_olist__orders", sql=ORDERS),
        "stg_orders": model("staging/native/stg_orders.sql", "base_orders", columns=(), sql=ORDERS),
        "rules": {"resource_type": "seed", "name": "rules", "original_file_path": "seeds/rules.csv"},
        "int_orders_read": model("intermediate/int_orders_read.sql", "stg_orders", "rules"),
        "fct_orders": model("marts/core/fct_orders.sql", "stg_orders", "int_orders_read"),
        "kpi_quality": model(
            "marts/quality/kpi_quality.sql", "fct_orders", columns=(
                column("period_start"), column("returned"), column("shipped"), column("return_rate"),
            )
        ),
        "kpi_sales": model(
            "marts/sales/kpi_sales.sql", "fct_orders", columns=(column("period_start"), column("orders"))
        ),
        "kpi_values": model("marts/kpi/kpi_values.sql", "kpi_quality", "kpi_sales"),
        "load_audit": model("marts/trust/load_audit.sql", "stg_orders"),
    },
    "sources": {
        "orders": source("extracts", "orders", column("order_id", key=True), column("email", pii=True)),
        "deals": source("olist", "deals", column("deal_id", key=True)),
        "files": source("extracts", "files", landing=True),
    },
    "metrics": {
        "returned": term("returned"),
        "shipped": term("shipped"),
        "return_rate": {
            "name": "return_rate",
            "type": "ratio",
            "description": "Returned of shipped.",
            "original_file_path": "models/marts/quality/_quality__metrics.yml",
            "type_params": {"numerator": {"name": "returned"}, "denominator": {"name": "shipped"}},
            "config": {"group": "quality", "meta": {"kpi": {"unit": "ratio", "bounds": [0, 1]}}},
        },
        "orders": {
            "name": "orders",
            "type": "simple",
            "type_params": {},
            "config": {"meta": {"term": {"unit": "count", "of": "orders", "dated_by": "order day"}}},
        },
    },
    "docs": {"a": {"name": "kpi_return_rate", "block_contents": "Returned of shipped.\n"}},
    "unit_tests": {
        "a": {"model": "kpi_quality", "expect": {"rows": [{"return_rate": 0.04, "returned": 4, "shipped": 100}]}},
    },
}
SOUND["nodes"]["kpi_quality"]["columns"]["return_rate"]["description"] = "Returned of shipped."


@pytest.fixture(autouse=True)
def one_known_kpi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = {"ratio": ["unit"], "figure": ["unit", "needs"], "custom": ["unit"]}
    kinds = {kind: {"required": names} for kind, names in said.items()}
    schema = {"type": "object", "properties": {"unit": {"enum": ["ratio", "count"]}}, "$defs": kinds}
    path = tmp_path / "kpi_schema.json"
    path.write_text(json.dumps(schema))
    terms = tmp_path / "term_schema.json"
    terms.write_text(json.dumps({"type": "object", "required": ["of"], "properties": {"of": {"enum": ["orders"]}}}))
    monkeypatch.setattr(rules, "KPI_SCHEMA", path)
    monkeypatch.setattr(rules, "TERM_SCHEMA", terms)
    known = Kpi("return_rate", "quality", 30, ("country",), ("order_lines.shipped_at",))
    monkeypatch.setattr(rules, "KPIS", {"return_rate": known})


def kpi(manifest: dict) -> dict:
    return manifest["metrics"]["return_rate"]["config"]["meta"]["kpi"]


def refer(name: str, parent: str) -> Callable[[dict], None]:
    return lambda manifest: manifest["nodes"][name]["depends_on"]["nodes"].append(parent)


def put(name: str, /, **values: object) -> Callable[[dict], None]:
    return lambda manifest: manifest["nodes"][name].update(values)


def configure(name: str, /, **values: object) -> Callable[[dict], None]:
    return lambda manifest: manifest["nodes"][name]["config"].update(values)


def test_a_sound_manifest_keeps_every_rule() -> None:
    assert {rule.__name__: list(rule(SOUND)) for rule in rules.RULES if list(rule(SOUND))} == {}


BREAKS = [
    (rules.one_way_down, refer("stg_orders", "fct_orders"), "stg_orders (staging) refers to fct_orders"),
    (rules.one_way_down, refer("int_orders_read", "fct_orders"), "int_orders_read (intermediate) refers to fct_orders"),
    (rules.one_way_down, refer("fct_orders", "kpi_sales"), "fct_orders (core) refers to kpi_sales"),
    (rules.one_way_down, refer("fct_orders", "stg_olist__orders"), "fct_orders (core) refers to stg_olist__orders"),
    (rules.one_way_down, refer("kpi_sales", "kpi_quality"), "kpi_sales (family) refers to kpi_quality"),
    (rules.one_way_down, refer("kpi_sales", "stg_orders"), "kpi_sales (family) refers to stg_orders"),
    (rules.one_way_down, refer("kpi_sales", "kpi_values"), "kpi_sales (family) refers to kpi_values"),
    (rules.one_way_down, refer("int_orders_read", "orders"), "int_orders_read (intermediate) refers to orders (source"),
    (
        rules.every_table_is_staged,
        put("base_orders", raw_code="select\n    order_id,\n"),
        "base_orders does not select email_hash",
    ),
    (
        rules.every_table_is_staged,
        lambda manifest: manifest["nodes"].pop("stg_orders"),
        "stg_orders does not select order_id",
    ),
    (rules.named_by_layer, put("stg_orders", name="orders"), "orders in staging"),
    (rules.named_by_layer, put("stg_olist__orders", name="stg_orders_olist"), "stg_orders_olist in connector"),
    (rules.named_by_layer, put("fct_orders", name="orders"), "orders in core"),
    (rules.named_by_layer, put("kpi_sales", name="kpi_money"), "kpi_money in family sales"),
    (rules.documented_beside_its_sql, put("fct_orders", patch_path=None), "fct_orders is described in no file"),
    (
        rules.documented_beside_its_sql,
        put("fct_orders", patch_path="project://models/marts/core/schema.yml"),
        "in models/marts/core/schema.yml",
    ),
    (rules.grain_comes_first, put("fct_orders", description="Orders, one row each."), "fct_orders"),
    (rules.published_models_are_contracts, configure("fct_orders", contract={"enforced": False}), "no enforced"),
    (rules.published_models_are_contracts, configure("fct_orders", access="protected"), "protected, not public"),
    (rules.published_models_are_contracts, configure("fct_orders", group=None), "in no group"),
    (rules.published_models_are_contracts, configure("fct_orders", materialized="view"), "is a view"),
    (rules.nothing_else_is_public, configure("stg_orders", access="public"), "stg_orders is public"),
    (rules.columns_are_described, put("fct_orders", columns={}), "fct_orders has no columns"),
    (
        rules.columns_are_described,
        put("fct_orders", columns={"order_id": {**column("order_id"), "description": " "}}),
        "fct_orders.order_id has no description",
    ),
    (
        rules.columns_are_described,
        lambda manifest: manifest["sources"]["orders"]["columns"]["order_id"].update(data_type=None),
        "orders.order_id has no data type",
    ),
    (
        rules.personal_data_stays_in_staging,
        put("fct_orders", columns={"email": column("email")}),
        "fct_orders.email is personal",
    ),
    (rules.kpis_say_everything, lambda manifest: kpi(manifest).pop("unit"), "'unit' is a required property"),
    (
        rules.kpis_say_everything,
        lambda manifest: manifest["metrics"]["return_rate"].update(type="simple"),
        "'needs' is a required property",
    ),
    (rules.kpis_say_everything, lambda manifest: kpi(manifest).update(unit="percent"), "unit: 'percent' is not one of"),
    (
        rules.terms_say_what_they_count,
        lambda manifest: manifest["metrics"]["orders"]["config"]["meta"].clear(),
        "orders of kpi_sales: 'of' is a required property",
    ),
    (
        rules.terms_say_what_they_count,
        lambda manifest: manifest["metrics"]["orders"]["config"]["meta"]["term"].update(of="sales"),
        "orders of kpi_sales: 'sales' is not one of",
    ),
    (
        rules.terms_say_what_they_count,
        put("kpi_sales", columns={"buyers": column("buyers")}),
        "kpi_sales.buyers is no metric",
    ),
    (
        rules.terms_say_what_they_count,
        put("kpi_sales", columns={"return_rate_n": column("return_rate_n")}),
        "kpi_sales.return_rate_n is no metric",
    ),
    (
        rules.kpis_live_with_their_family,
        lambda manifest: manifest["metrics"]["return_rate"]["config"].update(group="sales"),
        "not in models/marts/s",
    ),
    (
        rules.kpis_live_with_their_family,
        lambda manifest: kpi(manifest).update(is_custom=True),
        "not in models/marts/kpi",
    ),
    (rules.kpis_are_documented_once, lambda manifest: manifest["docs"].clear(), "no doc block kpi_return_rate"),
    (
        rules.kpis_are_documented_once,
        lambda manifest: manifest["metrics"]["return_rate"].update(description="Typed again."),
        "not described by its doc block",
    ),
    (
        rules.kpis_are_documented_once,
        lambda manifest: manifest["nodes"]["kpi_quality"]["columns"]["return_rate"].update(description="Typed again."),
        "column return_rate of kpi_quality",
    ),
    (
        rules.kpis_have_a_column,
        lambda manifest: manifest["nodes"]["kpi_quality"]["columns"].pop("return_rate"),
        "return_rate is no column of kpi_quality",
    ),
    (rules.kpis_are_worked_by_hand, lambda manifest: manifest["unit_tests"].clear(), "expects a value of return_rate"),
    (
        rules.kpis_are_worked_by_hand,
        lambda manifest: manifest["unit_tests"]["a"]["expect"]["rows"][0].update(return_rate=None),
        "expects a value of return_rate",
    ),
    (
        rules.kpis_are_worked_by_hand,
        lambda manifest: manifest["unit_tests"]["a"]["expect"]["rows"][0].pop("shipped"),
        "expects a value of return_rate beside returned and shipped",
    ),
    (
        rules.kpis_name_what_there_is,
        lambda manifest: kpi(manifest).update(pairs_with=["retun_rate"]),
        "return_rate: there is no retun_rate (pairs_with; models/marts/quality/_quality__metrics.yml)",
    ),
    (
        rules.kpis_name_what_there_is,
        lambda manifest: kpi(manifest).update(source_tables=["fct_order"]),
        "return_rate: there is no fct_order (source_tables",
    ),
    (
        rules.kpis_name_what_there_is,
        lambda manifest: manifest["nodes"]["kpi_quality"]["columns"].pop("shipped"),
        "return_rate: there is no shipped (column of kpi_quality",
    ),
    (
        rules.ratios_have_the_unit_of_their_terms,
        lambda manifest: kpi(manifest).update(unit="money"),
        "return_rate is of unit money; returned (count of orders) over shipped (count of orders) is of unit ratio",
    ),
    (
        rules.ratios_have_the_unit_of_their_terms,
        lambda manifest: manifest["metrics"]["returned"]["config"]["meta"]["term"].update(unit="money"),
        "is of unit money (models/marts/quality/_quality__metrics.yml)",
    ),
    (
        rules.kpis_are_recomputed,
        lambda manifest: manifest["metrics"]["shipped"]["config"]["meta"]["term"].update(dimensions=[]),
        "return_rate, dimensions: none by its metric (models/marts/quality/_quality__metrics.yml), country in",
    ),
    (
        rules.kpis_are_recomputed,
        lambda manifest: kpi(manifest).update(needs=["payments"]),
        "return_rate, needs: payments by its metric",
    ),
    (
        rules.kpis_are_recomputed,
        lambda manifest: manifest["metrics"]["returned"]["config"]["meta"]["term"].update(maturity_days=45),
        "return_rate, maturity in days: 45 by its metric",
    ),
    (rules.rates_are_bounded, lambda manifest: kpi(manifest).pop("bounds"), "must have either bounds"),
    (
        rules.kpis_are_recomputed,
        lambda manifest: manifest["metrics"]["return_rate"].update(name="refund_rate"),
        "refund_rate is not recomputed: python_checks/recompute/families/quality.py",
    ),
    (rules.kpis_are_recomputed, lambda manifest: manifest["metrics"].clear(), "return_rate is recomputed, and no"),
]


@pytest.mark.parametrize(("rule", "fault", "sentence"), BREAKS, ids=[sentence for *_, sentence in BREAKS])
def test_each_rule_breaks(rule: rules.Rule, fault: Callable[[dict], object], sentence: str) -> None:
    manifest = copy.deepcopy(SOUND)
    fault(manifest)
    assert any(sentence in problem for problem in rule(manifest)), list(rule(manifest))


def test_every_rule_is_seen_to_break() -> None:
    assert {rule.__name__ for rule in rules.RULES} == {rule.__name__ for rule, *_ in BREAKS}


def test_a_custom_kpi_is_one_metric_and_nothing_else() -> None:
    manifest = copy.deepcopy(SOUND)
    manifest["metrics"]["own_rate"] = {
        **copy.deepcopy(manifest["metrics"]["return_rate"]),
        "name": "own_rate",
        "description": "",
        "original_file_path": "models/marts/kpi/custom_kpis.yml",
        "config": {"meta": {"kpi": {"is_custom": True, "unit": "ratio"}}},
    }
    assert [problem for rule in rules.RULES for problem in rule(manifest)] == []


def test_a_median_is_no_term_and_its_column_has_a_sample_size() -> None:
    manifest = copy.deepcopy(SOUND)
    columns = manifest["nodes"]["kpi_sales"]["columns"]
    columns.update(order_median=column("order_median"), order_median_n=column("order_median_n"))
    aggregated = {"metric_aggregation_params": {"agg": "percentile"}}
    median = {"name": "order_median", "type": "simple", "type_params": aggregated, "config": {"group": "sales"}}
    manifest["metrics"]["order_median"] = median
    assert list(rules.terms_say_what_they_count(manifest)) == []
