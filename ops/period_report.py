"""The report of a period as files: one HTML that opens anywhere, and one PDF of A4 pages.

    python -m ops.period_report                     the latest final month, in English
    python -m ops.period_report 2026-09 --language fr
    python -m ops.period_report 2026-Q3

Both are the board `dashboards/report.yml`, drawn from the release: what moved, why, sellers at risk, actions, what is
left out. They go to build/report/<period>-<language>.html and .pdf, hold their fonts and ask nobody for anything. Ends
with exit code 3 and one sentence where the period or another argument is wrong.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import duckdb

from ops.boards import LANGUAGES, PHONE_AT_MOST, Release, dressed, write
from ops.explain import written
from ops.project import QUIET, ROOT, ProjectError, Settings

REPORTS = ROOT / "build" / "report"
PAGES = ("moved", "why", "sellers", "actions", "left_out")  # as the variable `page` of the board knows them
A4 = (595.28, 841.89)  # points
WRONG_USE = 3
# How the board writes a period.
FORMS = {"month": r"\d{4}-(0[1-9]|1[0-2])", "quarter": r"\d{4}-Q[1-4]", "year": r"\d{4}"}
# On paper and in a wide window a line of the report stays as long as one can read; a phone shows what is drawn for it.
PAPER = (
    "<style>.dbt-charts-wrapper{max-width:900px;margin:0 auto}@page{size:A4;margin:10mm}.phone{display:none}"
    f"@media screen and (max-width:{PHONE_AT_MOST}px){{.dbt-charts-wrapper{{display:none}}.phone{{display:block}}}}"
    "</style>"
)
BOARD = re.compile(r'<div class="dbt-charts-svg-container.*</svg>\s*</div>', re.DOTALL)


class Arguments(argparse.ArgumentParser):
    """Ends with the exit code of wrong use instead of argparse's own."""

    def error(self, message: str) -> NoReturn:
        raise ProjectError(f"{message}. Try: python -m ops.period_report --help")


def period_asked(text: str, published: Path) -> str:
    """The period as the board writes it; without one, the latest final month. ProjectError if it is not there."""
    with duckdb.connect(str(published), read_only=True) as release:
        there = release.execute(
            "select period_grain, period_start, is_latest from marts.kpi_scorecard"
            " where kpi_id = 'gmv' and dimension = 'all' order by period_start"
        ).fetchall()
    if not text:
        latest = [start for grain, start, is_latest in there if grain == "month" and is_latest]
        if not latest:
            raise ProjectError("PERIOD: no month is final yet; name the one to report, as in PERIOD=2026-09.")
        return written("month", latest[0])
    for grain, form in FORMS.items():
        if re.fullmatch(form, text):
            held = [written(grain, start) for other, start, _ in there if other == grain]
            if text not in held:
                range_held = f"from {held[0]} to {held[-1]}" if held else "none"
                raise ProjectError(f"PERIOD: the release holds no {text}; its {grain}s are {range_held}.")
            return text
    raise ProjectError(f"PERIOD: {text!r} is no month (2026-09), quarter (2026-Q3) or year (2026).")


def write_report(period: str, language: str, published: Path, folder: Path) -> list[Path]:
    """Draw the report of a period and put its HTML and PDF in the folder; returns both. Raises ProjectError if not."""
    os.environ.update(QUIET, PUBLISHED_DB=str(published), DCT_NO_WORKSPACE_GUARD="1")
    # Only now: dbt Charts takes seconds to load, and reads the environment while it does.
    from dbt_charts.agent_api.project_session import ProjectSession

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        boards = Path(temporary) / "dashboards"
        write(boards, Release.read(published), only="report")
        with ProjectSession.open(boards) as session:
            folders = {"wide": boards / "charts" / language, "phone": boards / "charts" / language / "phone"}
            paths = {width: session.project.path_for_fspath(of / "report.yml") for width, of in folders.items()}

            def drawn(form: str, page: str, width: str = "wide") -> Any:
                asked = {"period": period, "page": page}
                result = session.render_board(
                    paths[width].read_board(), variables=asked, format=form, use_cache=False, standalone=True)
                if result.status != "ok":
                    raise ProjectError(f"The report was not drawn: {result.board_error or result.chart_errors}")
                return result.data

            page, phone = drawn("html", "all"), drawn("html", "all", "phone")
            pdf = _bound([drawn("pdf", page) for page in PAGES])
    files = [folder / f"{period}-{language}.{form}" for form in ("html", "pdf")]
    files[0].write_text(_with_phone(dressed(page, language, PAPER), phone))
    files[1].write_bytes(pdf)
    return files


def _with_phone(page: str, phone: str) -> str:
    """The report with the one drawn for a phone behind it, in one file; the style sheet shows that of the width."""
    board = BOARD.search(phone)[0]
    # The fonts are those of the page, and no two things of it may share an id.
    board = re.sub(r"@font-face\s*\{[^}]*\}", "", board)
    board = re.sub(r'\b(id="|url\(#|href="#)', r"\1phone-", board)
    end = BOARD.search(page).end()
    after = page.index("</div>", end) + len("</div>")
    return f'{page[:after]}<div class="phone" role="main">{board}</div>{page[after:]}'


def _bound(sections: list[bytes]) -> bytes:
    """The drawn sections as one PDF, each on an A4 page; one that is higher than a page is made smaller."""
    from pypdf import PageObject, PdfReader, PdfWriter, Transformation

    book = PdfWriter()
    for section in sections:
        drawn = PdfReader(io.BytesIO(section)).pages[0]
        width, height = float(drawn.mediabox.width), float(drawn.mediabox.height)
        scale = min(A4[0] / width, A4[1] / height)
        page = PageObject.create_blank_page(width=A4[0], height=A4[1])
        left, bottom = (A4[0] - width * scale) / 2, A4[1] - height * scale
        page.merge_transformed_page(drawn, Transformation().scale(scale).translate(left, bottom))
        _spaced(book.add_page(page)["/Resources"])
    bound = io.BytesIO()
    book.write(bound)
    return bound.getvalue()


def _spaced(resources: Any) -> None:
    """Lets a reader of the PDF find the spaces between words: they share their glyph with the word joiner that the
    boards put after a number, and svg2pdf says of the glyph that it means the latter."""
    for font in resources.get("/Font", {}).values():
        meaning = font.get_object()["/ToUnicode"].get_object()
        meaning.set_data(meaning.get_data().replace(b"<2060>", b"<0020>"))
    for form in resources.get("/XObject", {}).values():
        _spaced(form.get_object().get("/Resources", {}))


def main(arguments: list[str]) -> int:
    """Write the report asked for; returns the exit code."""
    try:
        parser = Arguments(prog="python -m ops.period_report", description="Write the report of a period.")
        parser.add_argument("period", nargs="?", default="", help="2026-09, 2026-Q3, 2026; default: latest final month")
        parser.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0])
        parser.add_argument("--to", type=Path, default=REPORTS, help="folder to write into")
        asked = parser.parse_args(arguments)
        published = Settings.from_environment().published
        Release.read(published)
        for path in write_report(period_asked(asked.period, published), asked.language, published, asked.to.resolve()):
            print(path)
    except ProjectError as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
