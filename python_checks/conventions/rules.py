"""What every model and KPI of the project keeps to. A rule yields a sentence for each place where it is broken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema

from ops.project import kpis, models
from python_checks.recompute.catalogue import KPIS

Node = Mapping[str, Any]
Manifest = Mapping[str, Any]
Rule = Callable[[Manifest], Iterator[str]]

KPI_SCHEMA = Path(__file__).with_name("kpi_schema.json")
TERM_SCHEMA = Path(__file__).with_name("term_schema.json")
# Rates whose numerator is no part of the denominator, or may be negative, and why.
UNBOUNDED = {
    "click_conversion_rate": "orders count on their own day, which need not be that of the click",
    "commission_rate": "a commission may exceed a discounted line value",
    "ctr": "platforms count clicks and impressions apart",
    "gross_margin_rate": "a margin may be negative",
    "marketing_roi": "a return may be negative, or many times the cost",
    "satisfaction_decay": "satisfaction may rise between the two answers: from -1 to 1",
    "take_rate": "revenue holds fees and reversals of other days than the shipped lines",
}
# The unit of a ratio whose two terms have different units, or one made for it; of like units see `_units_of`.
UNITS_OF = {
    ("difference", "count"): {"ratio"},
    ("money squared", "money squared"): {"index"},
    ("money x 1000", "count"): {"money"},
    ("stars", "count"): {"x"},
}
KEY_COLUMNS = {"period_grain", "period_start", "period_end", "dimension", "dimension_value", "is_partial"}
RULES: list[Rule] = []

# Read from the KPIs and the facts; their helpers stand in the folder of the same name below models/intermediate.
AFTER_KPIS = ("decisions", "sellers", "journeys")
# Who may refer to whom, from the extracts down. A family is any other folder below models/marts.
MAY_REFER_TO = {
    "base": {"source", "connector"},
    "connector": {"base", "own folder", "seed"},
    "staging": {"base", "staging", "source"},
    "intermediate": {"staging", "intermediate", "seed"},
    "core": {"staging", "intermediate", "core", "seed"},
    "family": {"intermediate", "core", "own folder", "seed"},
    "kpi": {"intermediate", "core", "family", "own folder", "seed"},
    **{folder: {"staging", "intermediate", "core", "family", "kpi", "own folder", "seed"} for folder in AFTER_KPIS},
    "trust": {"source", "base", "staging", "connector", "intermediate", "own folder"},
}
NAMES = {
    "base": r"base_\w+",
    "connector": r"stg_{folder}__\w+",
    "staging": r"stg_\w+",
    "intermediate": r"int_\w+",
    "core": r"(dim|fct)_\w+",
    "family": r"kpi_{folder}",
}


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def held(manifest: Manifest) -> tuple[bool, str]:
    """Whether a project keeps to every rule, and what to print of it: rules broken, with the places, and a summary."""
    lines, broken = [], 0
    for check in RULES:
        if problems := list(check(manifest)):
            broken += 1
            lines += [f"BROKEN {check.__name__.replace('_', ' ')}: {check.__doc__.splitlines()[0]}"]
            lines += [f"  {problem}" for problem in problems]
    verdict = f"{broken} broken" if broken else "all kept"
    lines.append(f"{len(RULES)} rules on {len(models(manifest))} models and {len(kpis(manifest))} KPIs, {verdict}")
    return not broken, "\n".join(lines)


def published(manifest: Manifest) -> list[Node]:
    return models(manifest, "marts")


def layer(node: Node) -> tuple[str, str]:
    """The layer of a model, seed or source, and its folder."""
    if node["resource_type"] in ("seed", "source"):
        return node["resource_type"], ""
    folders = PurePosixPath(node["original_file_path"]).parts[1:-1]
    folder = folders[-1]
    if folders[0] == "staging" and folder == "base":
        return "base", folder
    if folders[0] == "staging":
        return ("staging" if folder == "native" else "connector"), folder
    if folders[0] == "intermediate" and folder not in AFTER_KPIS:
        return "intermediate", folder
    return (folder if folder in MAY_REFER_TO else "family"), folder


@rule
def one_way_down(manifest: Manifest) -> Iterator[str]:
    """Extracts, staging, intermediate, core, family, kpi: nothing refers upwards, or sideways between families."""
    for model in models(manifest):
        own_layer, own_folder = layer(model)
        for unique_id in model["depends_on"]["nodes"]:
            parent = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
            parent_layer, parent_folder = layer(parent)
            own = "own folder" if (parent_layer, parent_folder) == (own_layer, own_folder) else parent_layer
            if not {own, parent_layer} & MAY_REFER_TO[own_layer]:
                yield f"{model['name']} ({own_layer}) refers to {parent['name']} ({parent_layer} {parent_folder})"


@rule
def named_by_layer(manifest: Manifest) -> Iterator[str]:
    """The name tells the layer: stg_, int_, dim_ or fct_, kpi_<family>; helpers of a family are named int_<family>_."""
    for model in models(manifest):
        own_layer, folder = layer(model)
        pattern = NAMES.get(own_layer, r"\w+").format(folder=folder)
        if own_layer == "family":
            pattern = rf"{pattern}|int_{folder}_\w+"
        if not re.fullmatch(pattern, model["name"]):
            yield f"{model['name']} in {own_layer} {folder} is not named {pattern}"


@rule
def documented_beside_its_sql(manifest: Manifest) -> Iterator[str]:
    """`model.sql` has `model.yml` beside it."""
    for model in models(manifest):
        expected = PurePosixPath(model["original_file_path"]).with_suffix(".yml")
        found = (model["patch_path"] or "").split("://")[-1]
        if found != str(expected):
            yield f"{model['name']} is described in {found or 'no file'}, not in {expected}"


@rule
def grain_comes_first(manifest: Manifest) -> Iterator[str]:
    """A model's description begins with its grain: "One row per ...", or "One row: ..." where there is but one."""
    for model in models(manifest):
        if not re.match("One row( per |: )", model["description"]):
            yield f"{model['name']} is described as {model['description'][:40]!r}"


@rule
def published_models_are_contracts(manifest: Manifest) -> Iterator[str]:
    """A published model is public, a table, under an enforced contract, and in a group, which has an owner."""
    for model in published(manifest):
        config = model["config"]
        if not config["contract"]["enforced"]:
            yield f"{model['name']} has no enforced contract"
        if config["access"] != "public":
            yield f"{model['name']} is {config['access']}, not public"
        if not config["group"]:
            yield f"{model['name']} is in no group"
        if config["materialized"] not in ("table", "incremental"):
            yield f"{model['name']} is a {config['materialized']}; a release holds tables"


@rule
def nothing_else_is_public(manifest: Manifest) -> Iterator[str]:
    """Models outside models/marts are private or protected."""
    outside = {model["name"] for model in models(manifest)} - {model["name"] for model in published(manifest)}
    for model in models(manifest):
        if model["name"] in outside and model["config"]["access"] == "public":
            yield f"{model['name']} is public"


@rule
def columns_are_described(manifest: Manifest) -> Iterator[str]:
    """Every column of the input contract and of a published table has a type and a description."""
    for node in [*manifest["sources"].values(), *published(manifest)]:
        if not node["columns"] and not node["config"].get("meta", {}).get("landing"):
            yield f"{node['name']} has no columns in its YAML"
        for column in node["columns"].values():
            if not column["description"].strip():
                yield f"{node['name']}.{column['name']} has no description"
            if not column["data_type"]:
                yield f"{node['name']}.{column['name']} has no data type"


@rule
def every_table_is_staged(manifest: Manifest) -> Iterator[str]:
    """Each table of the contract has its base_ and stg_ model, with the contract's columns in its SQL."""
    sql = {model["name"]: model["raw_code"] for model in models(manifest)}
    for source in manifest["sources"].values():
        if source["config"].get("meta", {}).get("landing"):
            continue
        is_native = source["source_name"] == "extracts"
        owner = "" if is_native else f"{source['source_name']}__"
        for name in [f"base_{owner}{source['name']}", *([f"stg_{source['name']}"] if is_native else [])]:
            for column in source["columns"].values():
                wanted = column["name"] + ("_hash" if column["config"].get("meta", {}).get("pii") else "")
                if not re.search(rf"^    (\w+ as )?{wanted},?$", sql.get(name, ""), re.MULTILINE):
                    yield f"{name} does not select {wanted}"


@rule
def personal_data_stays_in_staging(manifest: Manifest) -> Iterator[str]:
    """No column that the extracts deliver with personal data is published in clear."""
    personal = {
        column["name"]
        for source in manifest["sources"].values()
        for column in source["columns"].values()
        if column["config"].get("meta", {}).get("pii")
    }
    for model in published(manifest):
        for name in sorted(personal & set(model["columns"])):
            if not name.endswith("_key"):  # a key of ours, made from the hash
                yield f"{model['name']}.{name} is personal"


@rule
def kpis_say_everything(manifest: Manifest) -> Iterator[str]:
    """A KPI says all that is its own (config.meta.kpi), and nothing that its terms or group say (kpi_schema.json)."""
    for metric, kpi in kpis(manifest):
        for error in sorted(kpi_validator(metric, kpi).iter_errors(kpi), key=str):
            place = "/".join(map(str, error.path))
            yield f"{metric['name']}: {place + ': ' if place else ''}{error.message}"


def kpi_validator(metric: Node, kpi: Mapping[str, Any]) -> jsonschema.Draft202012Validator:
    """The form that the governance of a KPI of its kind has: a custom one, a ratio, or a figure of its own."""
    kind = "custom" if kpi.get("is_custom") else "ratio" if metric["type"] == "ratio" else "figure"
    schema = json.loads(KPI_SCHEMA.read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator({**schema, "$ref": f"#/$defs/{kind}"})


@rule
def terms_say_what_they_count(manifest: Manifest) -> Iterator[str]:
    """A count or sum that a family mart shows is a metric, and says what it counts and when (term_schema.json)."""
    validator = jsonschema.Draft202012Validator(json.loads(TERM_SCHEMA.read_text(encoding="utf-8")))
    metrics = {metric["name"]: metric for metric in manifest["metrics"].values()}
    for model in published(manifest):
        is_mart = layer(model) == ("family", model["name"].removeprefix("kpi_"))
        for name in sorted(model["columns"].keys() - KEY_COLUMNS) if is_mart else []:
            metric = metrics.get(name)
            if metric is None:
                if metrics.get(name.removesuffix("_n"), {}).get("type") != "simple":
                    yield f"{model['name']}.{name} is no metric"
                continue
            meta = metric["config"].get("meta", {})
            kpi = meta.get("kpi", {})
            if metric["type"] == "ratio" or is_percentile(metric):
                continue
            said = {key: kpi[key] for key in ("unit", "dated_by", "maturity_days", "dimensions", "needs") if key in kpi}
            for error in sorted(validator.iter_errors({**said, **meta.get("term", {})}), key=str):
                yield f"{name} of {model['name']}: {error.message}"


@rule
def kpis_live_with_their_family(manifest: Manifest) -> Iterator[str]:
    """A KPI's metric stands in its family's folder, or with the core fact it counts or sums; a custom one in kpi."""
    for metric, kpi in kpis(manifest):
        folders = [f"models/marts/{'kpi' if kpi.get('is_custom') else family(metric)}"]
        if metric["type"] == "simple":
            folders.append("models/marts/core")
        if str(PurePosixPath(metric["original_file_path"]).parent) not in folders:
            yield f"{metric['name']} stands in {metric['original_file_path']}, not in {' or '.join(folders)}"


@rule
def kpis_are_documented_once(manifest: Manifest) -> Iterator[str]:
    """A KPI has one doc block, kpi_<id>, which is its metric's description and that of its mart column."""
    blocks = {block["name"]: block["block_contents"].strip() for block in manifest["docs"].values()}
    for metric, kpi in kpis(manifest):
        text = blocks.get(f"kpi_{metric['name']}")
        if text is None:
            if not kpi.get("is_custom"):
                where = f"models/marts/{family(metric)}/_{family(metric)}__docs.md"
                yield f"{metric['name']} has no doc block kpi_{metric['name']} ({where})"
            continue
        if metric["description"].strip() != text:
            yield f"{metric['name']} is not described by its doc block"
        column = _mart_columns(manifest, metric).get(metric["name"])
        if column and column["description"].strip() != text:
            yield f"column {metric['name']} of kpi_{family(metric)} is not described by its doc block"


@rule
def kpis_have_a_column(manifest: Manifest) -> Iterator[str]:
    """A KPI is a column of its family's mart, under its own name (a custom KPI needs none)."""
    for metric, kpi in kpis(manifest):
        if not kpi.get("is_custom") and metric["name"] not in _mart_columns(manifest, metric):
            mart = f"models/marts/{family(metric)}/kpi_{family(metric)}"
            yield f"{metric['name']} is no column of kpi_{family(metric)} ({mart}.sql and {mart}.yml)"


@rule
def kpis_name_what_there_is(manifest: Manifest) -> Iterator[str]:
    """The KPIs, tables and terms that a KPI names exist, its terms and sample size beside it in its mart."""
    names = set(_by_name(manifest))
    tables = {model["name"] for model in models(manifest)}
    for metric, kpi in kpis(manifest):
        if kpi.get("is_custom"):
            continue
        beside = [*_terms(metric), *([f"{metric['name']}_n"] if is_percentile(metric) else [])]
        for what, named, known in (
            ("pairs_with", kpi.get("pairs_with", []), names - {metric["name"]}),
            ("source_tables", kpi.get("source_tables", []), tables),
            (f"column of kpi_{family(metric)}", beside, set(_mart_columns(manifest, metric))),
        ):
            for name in sorted(set(named) - known):
                yield f"{metric['name']}: there is no {name} ({what}; {metric['original_file_path']})"


@rule
def kpis_are_worked_by_hand(manifest: Manifest) -> Iterator[str]:
    """Each ratio, beside its two terms, and each percentile has a value in a unit test of its family's mart."""
    worked = [
        (test["model"], {column for column, value in row.items() if value is not None})
        for test in manifest["unit_tests"].values()
        for row in expected_rows(test)
    ]
    for metric, kpi in kpis(manifest):
        terms, mart = _terms(metric), f"kpi_{family(metric)}"
        is_divided = terms or is_percentile(metric)
        is_worked = any(model == mart and columns.issuperset([metric["name"], *terms]) for model, columns in worked)
        if is_divided and not kpi.get("is_custom") and not is_worked:
            where = f"models/marts/{family(metric)}/{mart}.yml"
            beside = f" beside {' and '.join(terms)}" if terms else ""
            yield f"no unit test of {mart} expects a value of {metric['name']}{beside} ({where})"


@rule
def rates_are_bounded(manifest: Manifest) -> Iterator[str]:
    """A KPI of unit ratio or points says its bounds, or UNBOUNDED says why it has none."""
    for metric, kpi in kpis(manifest):
        is_rate = kpi.get("unit") in ("ratio", "points") and not kpi.get("is_custom")
        if is_rate and ("bounds" in kpi) == (metric["name"] in UNBOUNDED):
            yield f"{metric['name']} must have either bounds or a reason in UNBOUNDED"


@rule
def ratios_have_the_unit_of_their_terms(manifest: Manifest) -> Iterator[str]:
    """A ratio's unit is what its terms give: a share of like things is a ratio, money per order money."""
    metrics = _by_name(manifest)
    for metric, kpi in kpis(manifest):
        terms = _terms(metric)
        if kpi.get("is_custom") or len(terms) < 2:
            continue
        top, bottom = (_said(metrics, term) for term in terms)
        if top.get("unit") and bottom.get("unit") and kpi["unit"] not in (units := _units_of(top, bottom)):
            over = " over ".join(
                f"{name} ({said['unit']} of {said.get('of')})" for name, said in zip(terms, (top, bottom), strict=True)
            )
            is_of, where = " or ".join(sorted(units)), metric["original_file_path"]
            yield f"{metric['name']} is of unit {kpi['unit']}; {over} is of unit {is_of} ({where})"


@rule
def kpis_are_recomputed(manifest: Manifest) -> Iterator[str]:
    """Every KPI is known to the independent recomputation, and the other way round."""
    family_of = {metric["name"]: family(metric) for metric, kpi in kpis(manifest) if not kpi.get("is_custom")}
    for name in sorted(set(family_of) - set(KPIS)):
        yield (
            f"{name} is not recomputed: python_checks/recompute/families/{family_of[name]}.py lacks its line in "
            "`declare`, its name in `rows.wants` and its calculation"
        )
    for name in sorted(set(KPIS) - set(family_of)):
        yield f"{name} is recomputed, and no metric defines it"
    metrics = _by_name(manifest)
    for name in sorted(set(KPIS) & set(family_of)):
        said, declared, where = _said(metrics, name), KPIS[name], metrics[name]["original_file_path"]
        for what, defined, known in (
            ("dimensions", said["dimensions"], declared.dimensions),
            ("needs", said["needs"], declared.needs),
            ("maturity in days", [said["maturity_days"]], [declared.maturity or 0]),
        ):
            if set(defined) != set(known):
                yield (
                    f"{name}, {what}: {_listed(defined)} by its metric ({where}), {_listed(known)} in "
                    f"python_checks/recompute/families/{family_of[name]}.py"
                )


def family(metric: Node) -> str:
    """The family of a KPI with a column of its own: its group."""
    return metric["config"].get("group") or ""


def _by_name(manifest: Manifest) -> dict[str, Node]:
    return {metric["name"]: metric for metric in manifest["metrics"].values()}


def _listed(words: Sequence[Any]) -> str:
    return ", ".join(sorted(map(str, words))) or "none"


def _terms(metric: Node) -> list[str]:
    """The names of a ratio's numerator and denominator; of another metric none."""
    if metric["type"] != "ratio":
        return []
    return [metric["type_params"][side]["name"] for side in ("numerator", "denominator")]


def _said(metrics: Mapping[str, Node], name: str) -> dict[str, Any]:
    """What a metric says of itself, and what follows from its terms where it divides: dimensions, needs, maturity_days,
    unit and `of`. Written from docs and definitions, not from the macro that the build reads them with."""
    metric = metrics[name]
    meta = metric["config"].get("meta", {})
    own = {**meta.get("kpi", {}), **meta.get("term", {})}
    if metric["type"] != "ratio":
        return {"dimensions": [], "needs": [], "maturity_days": 0, **own}
    top, bottom = (_said(metrics, term) for term in _terms(metric))
    return {
        "dimensions": [cut for cut in top["dimensions"] if cut in bottom["dimensions"]],
        "needs": [*top["needs"], *bottom["needs"]],
        "maturity_days": max(top["maturity_days"], bottom["maturity_days"]),
        **own,
    }


def _units_of(top: Mapping[str, Any], bottom: Mapping[str, Any]) -> set[str]:
    units = top["unit"], bottom["unit"]
    if units in UNITS_OF:
        return UNITS_OF[units]
    if units[0] != units[1]:
        return {units[0]}  # so much money, or points, per thing
    is_share = top.get("of") is not None and top.get("of") == bottom.get("of")
    return {"ratio"} if is_share else {"ratio", "x"}


def is_percentile(metric: Node) -> bool:
    """Whether a KPI is a percentile; one that falls short of a metric of its own (the mart's column) says so itself."""
    aggregation = (metric["type_params"].get("metric_aggregation_params") or {}).get("agg")
    return "percentile" in (aggregation, metric["config"].get("meta", {}).get("kpi", {}).get("measure"))


def _mart_columns(manifest: Manifest, metric: Node) -> Mapping[str, Node]:
    """The columns of a KPI's family mart, by name."""
    for model in published(manifest):
        if model["name"] == f"kpi_{family(metric)}":
            return model["columns"]
    return {}


def expected_rows(test: Node) -> list[Mapping[str, Any]]:
    """The rows that a unit test expects; none where it takes them from a file."""
    rows = test["expect"]["rows"]
    return rows if isinstance(rows, list) else []
