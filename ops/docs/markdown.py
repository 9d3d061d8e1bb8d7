"""Markdown of guides and definitions as HTML, with the anchors and links that a code host gives them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markupsafe import Markup

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def render(text: str) -> Markup:
    """A piece of Markdown."""
    return Markup(_MARKDOWN.render(text))


def inline(text: str) -> Markup:
    """Markdown of one line, without a paragraph around it."""
    return Markup(_MARKDOWN.renderInline(text))


def slug(heading: str) -> str:
    """The anchor of a heading, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def page(text: str, place: str, link: Callable[[str], str | None]) -> tuple[str, list[tuple[str, str]], Markup]:
    """A Markdown file as title, its sections (anchor, heading) and body.

    `place` is its path in the project. `link` gives, for a path in the project, where the documentation shows it, or
    None; such a link keeps its text alone.
    """
    tokens = _MARKDOWN.parse(text)
    title, sections, seen = place, [], {}
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = "".join(child.content for child in tokens[number + 1].children if child.content)
            anchor = slug(heading)
            seen[anchor] = seen.get(anchor, -1) + 1
            anchor += f"-{seen[anchor]}" if seen[anchor] else ""
            token.attrSet("id", anchor)
            if token.tag == "h1":
                title = heading
            elif token.tag == "h2":
                sections.append((anchor, heading))
        if token.type == "inline":
            _put_links(token.children, posixpath.dirname(place), link)
    body = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    body = body.replace("<table>", '<div class="wide" tabindex="0" role="region" aria-label="Table"><table>')
    body = body.replace("</table>", "</table></div>").replace("<pre>", '<pre tabindex="0">')
    return title, sections, Markup(body)


def _put_links(children: list, folder: str, link: Callable[[str], str | None]) -> None:
    dropped = False
    for token in children:
        if token.type == "link_close" and dropped:
            token.type, token.tag, token.nesting, token.content, dropped = "text", "", 0, "", False
        if token.type != "link_open":
            continue
        href = str(token.attrGet("href"))
        if re.match(r"[a-z]+:|#", href):
            continue
        path, hash_, anchor = href.partition("#")
        target = link(posixpath.normpath(posixpath.join(folder, path)))
        if target is None:
            token.type, token.tag, token.nesting, token.attrs, token.content, dropped = "text", "", 0, {}, "", True
        else:
            token.attrSet("href", target + hash_ + anchor)
