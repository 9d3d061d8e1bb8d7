"""The pages of the documentation, from dbt's manifest, the last release and the Markdown of the project."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ops.docs import glossary, markdown
from ops.docs import manifest as dbt
from ops.docs.glossary import Kpi
from ops.docs.picture import Box, Edge, draw
from ops.docs.release import Release
from ops.docs.words import LANGUAGES, WORDS, Words
from ops.project import ROOT, ProjectError, model_keys

HERE = Path(__file__).parent
# The order in which guides are read; further ones follow by name.
GUIDES = ("first-hour", "own-extracts", "new-connector", "new-kpi", "reading-the-scorecard", "operating")
# Files of the project that a page of another name shows.
SHOWN = {"models/staging/sources.yml": "extracts.html"}
EXPECTATIONS = "expectations.html"
DBT_PAGE = "static_index.html"
BOARDS_AT = "http://127.0.0.1:8400/"  # where `make dashboards` serves them, in each language
# What makes dbt's page ask for files that are not there: a browser follows these before the program fills them in.
DBT_PAGE_FAULTS = {
    'xlink:href="{{': 'ng-attr-xlink:href="{{',
    '<link rel="canonical" href="/overview/"/>': "",
    """<link rel="shortcut icon" href="${require('./assets/favicons/favicon.ico')}"/>""":
        '<link rel="icon" href="data:,"/>',
}
# The folders of models/marts in the order of the tables page, the KPI families as one.
FOLDERS = ("kpi", "families", "decisions", "sellers", "journeys", "core", "trust")


class Site:
    """Everything the pages show, and the folder they are written to."""

    def __init__(self, manifest: Mapping[str, Any], release: Release, folder: Path) -> None:
        self.manifest, self.release, self.folder = manifest, release, folder
        self.kpis = glossary.read_kpis(manifest, release)
        self.required = {table["name"] for table in dbt.contract(manifest) if table["is_required"]}
        self.environment = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )
        self.texts = _texts()

    def write(self, expectations: Path) -> None:
        """Write every page but dbt's own; `expectations` is the result page of the last build, if there is one."""
        shutil.copytree(HERE / "assets", self.folder / "assets")
        for place in ("project/docs", "reference"):  # of the README and of pages beside it
            shutil.copytree(ROOT / "docs" / "images", self.folder / place / "images")
        has_expectations = expectations.is_file()
        if has_expectations:
            html = expectations.read_text(encoding="utf-8")
            back = '<body><p><a href="quality.html">Documentation: quality</a></p>'
            (self.folder / EXPECTATIONS).write_text(html.replace("<body>", back, 1), encoding="utf-8")
        for language in LANGUAGES:
            words = Words(language)
            self._page(words, "index.html", "overview.html", "overview", families=self._families(),
                       exposures=dbt.exposures(self.manifest))
            self._page(words, "glossary.html", "glossary.html", "glossary", families=self._families(),
                       search_text=lambda kpi, words=words: glossary.search_text(kpi, words))
            for kpi in self.kpis:
                self._kpi(words, kpi)
            self._page(words, "extracts.html", "extracts.html", "extracts", **self._extracts())
            self._page(words, "tables.html", "tables.html", "tables", **self._tables(words))
            self._page(words, "quality.html", "quality.html", "quality", has_expectations=has_expectations)
        self._guides()

    def _page(self, words: Words, path: str, template: str, section: str, **context: Any) -> None:
        """Write one page in one language; English lies at the top, French in `fr`."""
        here = path if words.language == "en" else f"fr/{path}"
        root = "../" * here.count("/")
        known = {
            "root": root, "home": root + ("" if words.language == "en" else "fr/"), "section": section, "path": path,
            "other": f"{root}fr/{path}" if words.language == "en" else root + path, "release": self.release,
            "currency": self.release.info["reporting_currency"], "dbt_page": dbt.dbt_page, "name_of": dbt.name_of,
            "kpis": self.kpis, "is_bilingual": True, "required": self.required, "text": markdown.render,
            "inline": markdown.inline, "WORDS": WORDS, "BOARDS_AT": BOARDS_AT,
        }
        html = self.environment.get_template(template).render({**words.globals(), **known, **context})
        target = self.folder / here
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(html, encoding="utf-8")

    def _families(self) -> list[tuple[str, list[Kpi]]]:
        """The families in their order, each with its KPIs."""
        found: dict[str, list[Kpi]] = {family: [] for family in WORDS["families"]}
        for kpi in self.kpis:
            found.setdefault(kpi.row["family"], []).append(kpi)
        return [(family, own) for family, own in found.items() if own]

    def _kpi(self, words: Words, kpi: Kpi) -> None:
        root = "../" if words.language == "en" else "../../"
        home = "../"
        known = {term["name"]: root + dbt.dbt_page(term["unique_id"]) for term in self.manifest["metrics"].values()}
        known |= {node["name"]: root + dbt.dbt_page(node["unique_id"]) for node in dbt.published(self.manifest)}
        known |= {other.id: f"{other.id}.html" for other in self.kpis}
        del known[kpi.id]
        self._page(
            words, f"kpi/{kpi.id}.html", "kpi.html", "glossary", kpi=kpi,
            lineage=glossary.lineage(kpi, self.required, words, root, home),
            linked=lambda text, is_inline=False: glossary.linked(text, known, is_inline),
            by_id={other.id: other for other in self.kpis},
        )

    def _extracts(self) -> dict[str, Any]:
        """The contract, and per table the KPIs that need it with the columns they need."""
        needed: dict[str, dict[str, list[Kpi]]] = {}
        for kpi in self.kpis:
            for need in (need for alternatives in kpi.needs for need in alternatives):
                users = needed.setdefault(need.table, {}).setdefault(need.column, [])
                if kpi not in users:
                    users.append(kpi)
        return {"tables": dbt.contract(self.manifest), "needed": needed}

    def _tables(self, words: Words) -> dict[str, Any]:
        """The published tables by folder, how they join, and the picture of the core."""
        tables = dbt.published(self.manifest)
        folders: dict[str, list[dict[str, Any]]] = {folder: [] for folder in FOLDERS}
        for table in tables:
            folder = table["original_file_path"].split("/")[2]
            folders.setdefault(folder if folder in FOLDERS else "families", []).append(table)
        joins, keys = dbt.joins(self.manifest), model_keys(self.manifest)
        picture, alone = _entities(folders["core"], joins, keys, words)
        return {
            "folders": folders, "joins": joins, "keys": keys, "picture": picture, "alone": alone,
        }

    def _guides(self) -> None:
        """Guides, reference pages and the project's own files, in English."""
        words = Words("en")
        link = {text["place"]: text["page"] for text in self.texts} | SHOWN
        for text in self.texts:
            up = "../" * text["page"].count("/")
            title, sections, body = markdown.page(
                (ROOT / text["place"]).read_text(encoding="utf-8"), text["place"],
                lambda place, up=up: up + link[place] if place in link else None,
            )
            text |= {"title": title, "sections": sections, "body": body}
        for text in self.texts:
            self._page(words, text["page"], "text.html", "guides", texts=self.texts, **text, is_bilingual=False)
        for language in LANGUAGES:
            self._page(Words(language), "guides.html", "guides.html", "guides", texts=self.texts)


def _texts() -> list[dict[str, Any]]:
    """The Markdown files that become pages: place in the project, path of the page, kind."""
    names = [path.stem for path in sorted((ROOT / "docs" / "guides").glob("*.md"))]
    names.sort(key=lambda name: GUIDES.index(name) if name in GUIDES else len(GUIDES))
    guides = [(f"docs/guides/{name}.md", f"guides/{name}.html", "guide") for name in names]
    reference = [
        (f"docs/{path.name}", f"reference/{path.stem}.html", "reference")
        for path in sorted((ROOT / "docs").glob("*.md"))
    ]
    project = [(name, f"project/{name.removesuffix('.md')}.html", "project")
               for name in ("README.md", "DECISIONS.md", "CHANGELOG.md")]
    return [{"place": place, "page": path, "kind": kind} for place, path, kind in guides + reference + project]


def _entities(
    core: list[dict[str, Any]], joins: list[tuple[str, str, str]], keys: Mapping[str, list[str]], words: Words
) -> tuple[Markup, list[str]]:
    """The tables of the core with their keys, each to the right of those it joins to, and those that join to none.

    A join to which another fact leads as well is left out of the lines: a return finds its order through its line.
    """
    names = {table["name"] for table in core}
    own = [(table, column, target) for table, column, target in joins if table in names and target in names]
    targets: dict[str, set[str]] = {table: set() for table in names}
    for table, _, target in own:
        targets[table].add(target)

    def reached(table: str) -> set[str]:
        return {far for near in targets[table] for far in (near, *reached(near))}

    def depth(table: str) -> int:
        return 1 + max(map(depth, targets[table])) if targets[table] else 0

    drawn = [
        (table, column, target) for table, column, target in own
        if not any(target in reached(other) for other in targets[table] - {target} if not other.startswith("dim_"))
    ]
    joined = {table for table, _, _ in own} | {target for _, _, target in own}
    columns: list[list[Box]] = []
    heights: dict[str, float] = {}
    for level in range(max(map(depth, joined)) + 1):
        boxes = []
        for table in sorted(table for table in joined if depth(table) == level):
            foreign = [column for start, column, _ in own if start == table]
            lines = tuple(dict.fromkeys([*keys.get(table, []), *foreign]))
            boxes.append(Box(table, table, f"#{table}", "dim" if table.startswith("dim_") else "fact", lines))
        near = {
            box.key: [heights[target] for table, _, target in drawn if table == box.key] for box in boxes
        }
        boxes.sort(key=lambda box: sum(near[box.key]) / len(near[box.key]) if near[box.key] else 0)
        heights |= {box.key: (number + 0.5) / len(boxes) for number, box in enumerate(boxes)}
        columns.append(boxes)
    edges = [
        Edge(table, target, column, keys[target][0] if len(keys.get(target, [])) == 1 else None)
        for table, column, target in drawn
    ]
    label = words.say("The core tables and how they join", "Les tables du cœur et leurs jointures")
    return draw([("", boxes) for boxes in columns], edges, label), sorted(names - joined)


def write_dbt_page(artifacts: Path, manifest: Mapping[str, Any], folder: Path) -> None:
    """dbt's own page as one file: its program with manifest and catalog put in.

    dbt shows metrics in one list per package; here KPIs stand by family and their terms apart. Macros of dbt itself are
    left out, and what makes the page ask for files that are not there is put right.
    """
    shown = dict(manifest)
    own = manifest["metadata"]["project_name"]
    shown["macros"] = {key: macro for key, macro in manifest["macros"].items() if macro["package_name"] == own}
    shown["metrics"] = dict(sorted(
        ((key, {**metric, "package_name": _folder(metric)}) for key, metric in manifest["metrics"].items()),
        key=lambda item: (item[1]["package_name"], item[1]["label"]),
    ))
    # the page looks for a group, and its owner, under the package of what belongs to it
    shown["groups"] = manifest["groups"] | {
        f"group.{metric['package_name']}.{metric['group']}": manifest["groups"][f"group.{own}.{metric['group']}"]
        for metric in shown["metrics"].values() if metric.get("group")
    }
    page = (artifacts / "index.html").read_text(encoding="utf-8")
    for name, data in (("MANIFEST", json.dumps(shown)), ("CATALOG", (artifacts / "catalog.json").read_text("utf-8"))):
        place = f'"{name}.JSON INLINE DATA"'
        if place not in page:
            raise ProjectError(f"dbt's page has no place for its {name.lower()}: another version of dbt wrote it.")
        page = page.replace(place, data.replace("</", "<\\/"), 1)
    for fault, repair in DBT_PAGE_FAULTS.items():
        page = page.replace(fault, repair)
    (folder / DBT_PAGE).write_text(page, encoding="utf-8")


def _folder(metric: Mapping[str, Any]) -> str:
    family = (metric["config"].get("group") or "custom").replace("_", " ")
    return f"{'KPIs' if 'kpi' in metric['config'].get('meta', {}) else 'Terms'}: {family}"
