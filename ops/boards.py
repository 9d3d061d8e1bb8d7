"""The boards: written for dbt Charts from their sources, and served to this machine.

    python -m ops.boards                  write build/dashboards and serve it at http://127.0.0.1:8400
    python -m ops.boards --port 9000
    python -m ops.boards --write          only write

dbt Charts draws a board as one picture of a fixed width and knows neither languages nor includes. So each source in
`dashboards/` is written four times: in English and French, for a laptop and for a phone. The browser is led to the
width that fits it. What is drawn is read from the release at each look; after a new release the boards are written
anew, for it may bring KPIs, families or another currency.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ops.docs.words import WORDS
from ops.project import QUIET, ROOT, ProjectError, Settings, replace_folder

SOURCES = ROOT / "dashboards"
WRITTEN = ROOT / "build" / "dashboards"
PORT = 8400
LANGUAGES = ("en", "fr")
PHONE_AT_MOST = 700  # pixels; a board for a laptop drawn narrower than that cannot be read
UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"  # read out, not drawn
# What dbt Charts knows the sign of; amounts in another currency stand without one.
CURRENCIES = ["USD", "EUR", "GBP", "JPY", "CAD", "AUD", "CHF", "SEK", "NOK", "DKK", "INR", "CNY", "BRL", "MXN"]
# Keys whose text a person reads: translated. All else is names, numbers, SQL, and `text`, which the source fills in.
READ = {"title", "subtitle", "label", "x_label", "y_label", "message", "summary", "expanded_title", "placeholder"}
# How dbt Charts writes on an axis what dim_kpi.format asks for; money has its sign.
AXES = {
    ("0.0%", None): "percent", ("0.00%", None): ",.2%", ("#,##0", None): "integer", ("0", None): "integer",
    ("0.00", None): ",.2f", ("0.0", None): ",.1f", ("#,##0.00", None): ",.2f", ("#,##0.00", "money"): "currency",
}
KPI = ("kpi_id", "family", "unit", "format", "en", "fr", "dimensions", "needs", "has_data")
# What a family's board looks at closely until another KPI is chosen; elsewhere its first.
FIRST = {"new_buyers", "sessions", "conversion_rate_session", "gmv", "repeat_purchase_rate_90d", "csat",
         "order_defect_rate", "buyer_seller_ratio"}
# kinds of words that boards and pages share, by their names on either side
SHARED = {"family": "families", "dimension": "dimensions", "grain": "grains", "owner": "owners", "day": "days"}
NO_BOARD = {"dbt_charts.yml", "meta.yml", "words.yml", "french.yml", "family.yml"}


@dataclass(frozen=True)
class Release:
    """What the boards' form depends on: the KPIs, their families and formats, the currency."""

    kpis: list[dict[str, Any]]
    currency: str

    @property
    def families(self) -> list[str]:
        return list(dict.fromkeys(kpi["family"] for kpi in self.kpis))

    @property
    def absent(self) -> dict[str, list[str]]:
        """What each KPI without data needs. What it needs of a table goes without saying where it needs the table."""
        needs = {kpi["kpi_id"]: (kpi["needs"] or "").split() for kpi in self.kpis if not kpi["has_data"]}
        return {
            kpi: [need for need in needed if need.isidentifier() or re.split("[.:|]", need)[0] not in needed]
            for kpi, needed in needs.items() if needed
        }

    @classmethod
    def read(cls, path: Path) -> Release:
        """Raises ProjectError where there is no release."""
        if not path.is_file():
            raise ProjectError(f"PUBLISHED_DB: there is no release at {path}; `make build` publishes one.")
        with duckdb.connect(str(path), read_only=True) as release:
            kpis = release.execute(
                "select kpi_id, family, unit, format, label_en, label_fr, dimensions, needs, has_data "
                "from marts.dim_kpi order by 2, 1"
            ).fetchall()
            (currency,) = release.execute("select reporting_currency from marts.release_info").fetchone()
        return cls([dict(zip(KPI, kpi, strict=True)) for kpi in kpis], currency)


@dataclass
class Phrases:
    """English phrases and their French; remembers which were asked for."""

    french: dict[str, str]
    missing: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    @classmethod
    def read(cls) -> Phrases:
        shared = {english: french for kind in SHARED.values() for english, french in WORDS[kind].values()}
        return cls(shared | yaml.safe_load((SOURCES / "french.yml").read_text()))

    def to(self, language: str, phrase: str) -> str:
        if not re.search("[A-Za-z]", re.sub(r"\{[{%].*?[%}]\}", "", phrase)):  # only numbers, signs or columns
            return phrase
        if phrase not in self.french:
            self.missing.add(phrase)
        self.used.add(phrase)
        return phrase if language == "en" else self.french.get(phrase, phrase)


def write(folder: Path, release: Release, phrases: Phrases | None = None, only: str = "") -> list[Path]:
    """Write the dbt Charts project, or `only` one board of it, into a folder and return its boards. Raises ProjectError
    where French is missing."""
    phrases = phrases or Phrases.read()
    words = _words()
    for phrase in (phrase for group in words.values() for phrase in group.values()):
        phrases.to("fr", phrase)  # a code may be one that the release does not hold today
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    written = []
    for language in LANGUAGES:
        for phone in (False, True):
            boards = new / "charts" / language / ("phone" if phone else "")
            boards.mkdir(parents=True, exist_ok=True)
            rendered = _renderer(language, phone, release, words, phrases)
            for name, context in _boards(release):
                if only and name not in ("meta", only):
                    continue
                board = yaml.safe_load(rendered("family.yml" if context else f"{name}.yml", board=name, **context))
                target = boards / f"{name}.yml"
                shaped = _translated(_for_width(board, phone), lambda text, to=language: phrases.to(to, text))
                target.write_text(yaml.safe_dump(shaped, sort_keys=False, allow_unicode=True, width=1000))
                if name != "meta":
                    written.append(target)
    (new / "dbt_charts.yml").write_text(_renderer("en", False, release, words, phrases)("dbt_charts.yml"))
    if phrases.missing:
        missing = ", ".join(repr(phrase) for phrase in sorted(phrases.missing))
        raise ProjectError(f"{SOURCES / 'french.yml'}: no French for {missing}.")
    replace_folder(new, folder)
    return [folder / path.relative_to(new) for path in written]


def _words() -> dict[str, dict[str, str]]:
    """Codes and their English phrases, by kind."""
    words = yaml.safe_load((SOURCES / "words.yml").read_text())
    for group, kind in SHARED.items():
        words[group] = {code: english for code, (english, _) in WORDS[kind].items()} | words.get(group, {})
    return words


def _boards(release: Release) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and context of each file to write: the sources, and one board per family of KPIs."""
    yield "meta", {}
    for path in sorted(SOURCES.glob("*.yml")):
        if path.name not in NO_BOARD:
            yield path.stem, {}
    for family in release.families:
        of_family = [kpi for kpi in release.kpis if kpi["family"] == family]
        first = next((kpi for kpi in of_family if kpi["kpi_id"] in FIRST), of_family[0])
        axes: dict[str, list[str]] = {}
        for kpi in of_family:
            axis = AXES.get((kpi["format"], kpi["unit"])) or AXES.get((kpi["format"], None), ",.2f")
            axes.setdefault(axis, []).append(kpi["kpi_id"])
        # kpi_month has neither of the two
        cuts = [cut for cut in first["dimensions"].split() if cut not in ("seller", "campaign")]
        cut = "country" if "country" in cuts or not cuts else cuts[0]
        yield family, {"family": family, "first": first, "cut": cut, "axes": axes}


def _renderer(language: str, phone: bool, release: Release, words: dict, phrases: Phrases) -> Callable[..., str]:
    """Fills in the double square brackets of a source, for a language and a width."""
    environment = Environment(
        loader=FileSystemLoader(SOURCES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        variable_start_string="[[", variable_end_string="]]",
        block_start_string="[%", block_end_string="%]", comment_start_string="[#", comment_end_string="#]",
    )
    def name(phrase: str) -> str:
        return phrases.to(language, phrase)

    environment.filters["flat"] = lambda sql: " ".join(sql.split())
    environment.globals.update(
        lang=language, french=language == "fr", phone=phone, currency=release.currency, currencies=CURRENCIES,
        words=words, families=release.families, absent=release.absent,
        boards=[board for board in words["board"] if (SOURCES / f"{board}.yml").exists()],
        folder=f"/{language}" + ("/phone" if phone else ""),
        other=f"/{'en' if language == 'fr' else 'fr'}" + ("/phone" if phone else ""),
        gmv=next(kpi for kpi in release.kpis if kpi["kpi_id"] == "gmv"), root=ROOT,
        name=name,  # as it stands, for instance within YAML
        text=lambda phrase: "'" + name(phrase).replace("'", "''") + "'",  # as text within SQL
    )
    return lambda template, **context: environment.get_template(template).render(**context)


def _for_width(node: Any, phone: bool) -> Any:
    """A key `phone` holds what is otherwise on a phone, or false for what is not shown there. Cards stand in pairs on a
    phone, everything else below each other."""
    if isinstance(node, list):
        shown = [i for i in node if not (phone and isinstance(i, dict) and i.get("phone") is False)]
        return [_for_width(item, phone) for item in shown]
    if not isinstance(node, dict):
        return node
    node = dict(node)
    otherwise = node.pop("phone", None)
    if phone and otherwise is False:
        return {**node, "visible": False}
    if phone and otherwise:
        node = _merged(node, otherwise)
    node = {key: _for_width(value, phone) for key, value in node.items()}
    if phone and isinstance(node.get("cols"), list):
        columns = node.pop("cols")
        if all(isinstance(column, str) and column.startswith("card_") for column in columns):
            node["rows"] = [{"cols": columns[at:at + 2]} for at in range(0, len(columns), 2)]
        else:
            node["rows"] = [{k: v for k, v in c.items() if k != "width"} if isinstance(c, dict) else c for c in columns]
    return node


def _merged(node: dict, over: dict) -> dict:
    merged = dict(node)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(node.get(key), dict)
        merged[key] = _merged(node[key], value) if both else value
    return merged


def _translated(node: Any, translate: Callable[[str], str]) -> Any:
    if isinstance(node, list):
        return [_translated(item, translate) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: translate(value.strip()) if key in READ and isinstance(value, str)
        else value if key in ("sql", "queries") and isinstance(value, str)
        else _translated(value, translate)
        for key, value in node.items()
    }


def serve(folder: Path, published: Path, port: int) -> int:
    """Serve the boards of a release on this machine until stopped; returns the exit code."""
    os.environ.update(QUIET, PUBLISHED_DB=str(published), DCT_NO_WORKSPACE_GUARD="1")
    write(folder, Release.read(published))
    # Only now: dbt Charts takes seconds to load, and reads the environment while it does.
    from dbt_charts.agent_api.serve import prepare_serve
    from dbt_charts.cli.filesystem_project import FilesystemProject
    from dbt_charts.core.diagnostics import Diagnostic

    setup = prepare_serve(
        FilesystemProject(folder, dbt_root=ROOT),
        port=port, host="127.0.0.1", dialect="duckdb", target=None, max_workers=None, no_cache=True, cache_path=None,
    )
    if isinstance(setup, Diagnostic):
        raise ProjectError(setup.message)
    _frame(setup.app, folder, published)
    print(f"Boards of {published}\n  http://127.0.0.1:{setup.port}/en/cockpit/\n  http://127.0.0.1:{setup.port}/fr/cockpit/",
          flush=True)
    setup.server.run()
    return 0 if setup.server.started else 2


def _frame(app: Any, folder: Path, published: Path) -> None:
    """What dbt Charts' own page lacks: its language, a title, the width that fits, boards of a new release."""
    from starlette.responses import RedirectResponse, Response

    seen = published.stat().st_ino

    @app.middleware("http")
    async def frame(request: Any, call_next: Any) -> Any:
        nonlocal seen
        path = request.url.path
        if path == "/":
            wants = request.headers.get("accept-language", "")
            return RedirectResponse("/fr/cockpit/" if wants.lower().startswith("fr") else "/en/cockpit/")
        unset = [name for name, value in request.query_params.multi_items() if not value]
        if unset and path.split("/")[1] in LANGUAGES:  # a filter without a choice is as it was at the beginning
            return RedirectResponse(str(request.url.remove_query_params(unset)))
        if published.is_file() and (now := published.stat().st_ino) != seen:
            write(folder, Release.read(published))
            seen = now
        answer = await call_next(request)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            return answer
        page = b"".join([part async for part in answer.body_iterator]).decode()
        headers = {key: value for key, value in answer.headers.items() if key.lower() != "content-length"}
        return Response(framed(page, path), answer.status_code, headers)


def framed(page: str, path: str) -> str:
    """A page of dbt Charts as it is served: dressed, with the way to the other width."""
    language, *rest = path.strip("/").split("/")
    language = language if language in LANGUAGES else "en"
    here = "phone" in rest[:1]
    there = f"/{language}/" + ("" if here else "phone/") + "/".join(rest[1:] if here else rest) + "/"
    lead = (
        f"<script>if(matchMedia('(max-width: {PHONE_AT_MOST}px)').matches!=={str(here).lower()})"
        f"location.replace({there!r}+location.search)</script>"
    )
    return dressed(page, language, lead if rest else "")


def dressed(page: str, language: str, head: str = "") -> str:
    """A page of dbt Charts with its language, an icon that needs no request, a heading, and what its head holds."""
    page = re.sub("<html[^>]*>", f'<html lang="{language}">', page, count=1)
    head = f'<link rel="icon" href="data:,">{head}'
    page = page.replace("</title>", f"</title>{head}", 1)  # after the viewport, which says how wide the screen is
    title = re.search("<title>(.*?)</title>", page, re.DOTALL)
    heading = f'<h1 style="{UNSEEN}">{title[1] if title else ""}</h1>'
    return page.replace('<div class="dbt-charts-wrapper">', f'<div class="dbt-charts-wrapper" role="main">{heading}', 1)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.boards", description="Serve the boards of the release.")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--to", type=Path, default=WRITTEN, help="folder to write into")
    parser.add_argument("--write", action="store_true", help="only write the boards")
    asked = parser.parse_args(arguments)
    published = Settings.from_environment().published
    if asked.write:
        for board in write(asked.to.resolve(), Release.read(published)):
            print(board)
        return 0
    return serve(asked.to.resolve(), published, asked.port)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ProjectError as error:
        sys.exit(str(error))
