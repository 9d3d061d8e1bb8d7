"""The KPIs as the glossary shows them: each definition with its lineage, worked example, target and benchmark."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ops.docs import manifest as dbt
from ops.docs.markdown import inline, render
from ops.docs.picture import Box, Edge, draw
from ops.docs.release import Release
from ops.docs.words import WORDS, Words
from ops.project import ProjectError, kpis
from ops.worked_examples import Example, read_examples

PART = re.compile(r"\*\*([A-Z][A-Za-z ]*?):\*\*")
NAMES = re.compile(r"^\*\*.+?\*\*(?: \(\*.+?\*\))?: ", re.DOTALL)
NAME = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b")
GRAINS = tuple(WORDS["grains"])


@dataclass(frozen=True)
class Need:
    """One input that a KPI needs: a table, or a column of it, or rows of it with one value."""

    table: str
    column: str = ""
    value: str = ""

    @classmethod
    def read(cls, said: str) -> Need:
        """From the form that definitions use: table, table.column, table.column=value or events:name."""
        where, _, value = said.partition("=")
        if ":" in where:
            table, _, value = where.partition(":")
            return cls(table, "event_name", value)
        table, _, column = where.partition(".")
        return cls(table, column, value)


@dataclass(frozen=True, eq=False)
class Kpi:
    """One KPI: `row` is its row of dim_kpi, everything else what stands elsewhere about it."""

    row: Mapping[str, Any]
    metric: Mapping[str, Any]
    needs: list[list[Need]]
    terms: list[dict[str, Any]]
    facts: list[str]
    sources: dict[str, list[str]]
    mart: str
    boards: list[dict[str, Any]]
    examples: list[Example]
    targets: list[dict[str, Any]]
    benchmarks: list[dict[str, Any]]
    value: Mapping[str, Any] | None
    grains: Mapping[str, list[str]]

    @property
    def id(self) -> str:
        return self.row["kpi_id"]

    @property
    def dimensions(self) -> list[str]:
        return (self.row["dimensions"] or "").split()

    def label(self, language: str) -> str:
        """Its name in this language, in the other one where it has none."""
        return self.row[f"label_{language}"] or self.row["label_en"]

    @property
    def lead(self) -> str:
        """The first sentence of its definition, without the names before it."""
        first = NAMES.sub("", self.row["description"].split("\n\n")[0])
        return _begun(first)

    @property
    def parts(self) -> list[tuple[str, str]]:
        """The points of its definition, each with its head."""
        points = self.row["description"].partition("\n\n")[2]
        pieces = PART.split(re.sub(r"^- ", "", points, flags=re.MULTILINE))
        return [(head, _begun(text.strip())) for head, text in zip(pieces[1::2], pieces[2::2], strict=True)]

    def grains_of(self, dimension: str) -> list[str]:
        """The period grains that kpi_values has for a dimension, from the shortest."""
        return [grain for grain in GRAINS if grain in self.grains.get(dimension, [])]

    @property
    def coarse(self) -> dict[tuple[str, ...], list[str]]:
        """The dimensions that are kept at fewer grains than the whole: these grains, and the dimensions."""
        found: dict[tuple[str, ...], list[str]] = {}
        whole = self.grains_of("all")
        for dimension in self.dimensions:
            grains = self.grains_of(dimension)
            if grains and grains != whole:
                found.setdefault(tuple(grains), []).append(dimension)
        return found


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def read_kpis(manifest: Mapping[str, Any], release: Release) -> list[Kpi]:
    """All KPIs of the manifest, in order of their English name.

    Raises ProjectError where release and definitions are of two minds about which KPIs there are.
    """
    metrics = {metric["name"]: metric for metric, _ in kpis(manifest)}
    published = {row["kpi_id"] for row in release.kpis}
    if strange := sorted(published ^ metrics.keys()):
        raise ProjectError(
            f"The release does not go with the definitions: {', '.join(strange)} "
            "is in one of them only. Run `make build` first."
        )
    examples = read_examples()
    return [_kpi(manifest, release, row, metrics[row["kpi_id"]], examples) for row in release.kpis]


def _kpi(
    manifest: Mapping[str, Any], release: Release, row: Mapping[str, Any], metric: Mapping[str, Any],
    examples: list[Example],
) -> Kpi:
    kpi_id = row["kpi_id"]
    mart = dbt.node_of(manifest, "kpi_values" if row["is_custom"] else f"kpi_{row['family']}")
    named = (dbt.node_of(manifest, name) for name in (row["source_tables"] or "").split())
    facts = sorted(filter(None, named), key=dbt.name_of)
    own = {metric["unique_id"], *facts} | ({mart} if not row["is_custom"] else set())
    boards = [
        board for board in dbt.exposures(manifest)
        # boards of a family read the tables of all KPIs and are known by their name
        if board["name"] == f"board_{row['family']}" or own & set(board["depends_on"]["nodes"])
    ]
    return Kpi(
        row=row,
        metric=metric,
        needs=[[Need.read(one) for one in need.split("|")] for need in (row["needs"] or "").split()],
        terms=dbt.terms_of(manifest, metric),
        facts=facts,
        sources={fact: dbt.sources_of(manifest, fact) for fact in facts},
        mart=mart,
        boards=boards,
        examples=[example for example in examples if example.kpi_id == kpi_id],
        targets=[target for target in release.targets if target["kpi_id"] == kpi_id],
        benchmarks=[figure for figure in release.benchmarks if figure["kpi_id"] == kpi_id],
        value=release.values.get(kpi_id),
        grains=release.grains.get(kpi_id, {}),
    )


def lineage(kpi: Kpi, required: set[str], words: Words, root: str, home: str) -> Markup:
    """The picture of where a KPI comes from: delivered tables, facts, mart, KPI."""
    needed = required | {one.table for need in kpi.needs for one in need}
    sources = sorted({source for found in kpi.sources.values() for source in found}, key=dbt.name_of)
    say = words.say
    columns = [
        (say("Delivered tables", "Tables livrées"), [
            Box(source, dbt.name_of(source), f"{home}extracts.html#{dbt.name_of(source)}",
                "source" if dbt.name_of(source) in needed else "source also")
            for source in sources
        ]),
        (say("Facts", "Faits"), [
            Box(fact, dbt.name_of(fact), root + dbt.dbt_page(fact), "fact") for fact in kpi.facts
        ]),
        (say("Mart", "Mart"), [Box(kpi.mart, dbt.name_of(kpi.mart), root + dbt.dbt_page(kpi.mart), "mart")]),
        (say("KPI", "KPI"), [Box(kpi.id, kpi.id, root + dbt.dbt_page(kpi.metric["unique_id"]), "kpi")]),
    ]
    edges = [Edge(source, fact) for fact, found in kpi.sources.items() for source in found]
    edges += [Edge(fact, kpi.mart) for fact in kpi.facts] + [Edge(kpi.mart, kpi.id)]
    return draw(columns, edges, say(f"Lineage of {kpi.id}", f"Lignage de {kpi.id}"))


def linked(text: str, known: Mapping[str, str], is_inline: bool = False) -> Markup:
    """Markdown of a definition as HTML, with the names that are known made links."""
    pieces = re.split(r"(<[^>]*>)", inline(text) if is_inline else render(text))
    for number, piece in enumerate(pieces):
        is_code = number > 0 and pieces[number - 1] == "<code>"
        if is_code and piece in known:
            pieces[number - 1], pieces[number + 1] = f'<a href="{known[piece]}"><code>', "</code></a>"
        elif not is_code and not piece.startswith("<"):
            pieces[number] = NAME.sub(
                lambda found: f'<a href="{known[found[0]]}">{found[0]}</a>' if found[0] in known else found[0], piece
            )
    return Markup("".join(pieces))


def search_text(kpi: Kpi, words: Words) -> str:
    """What the search looks at beside the names: family, definition, formula, inputs, in both languages."""
    row = kpi.row
    both = [WORDS["families"].get(row["family"], [row["family"]]), WORDS["units"].get(row["unit"], [])]
    parts = [
        kpi.lead, row["formula"], row["objective"] or "", row["owner"], *(word for pair in both for word in pair),
        *(word for dimension in kpi.dimensions for word in WORDS["dimensions"].get(dimension, [dimension])),
        *(need.table for alternatives in kpi.needs for need in alternatives),
    ]
    return " ".join(dict.fromkeys(" ".join(parts).replace("`", "").split()))
