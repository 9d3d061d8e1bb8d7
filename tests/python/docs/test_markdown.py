"""Markdown as the documentation shows it: anchors and links of a code host, links to what is not shown dropped."""

from __future__ import annotations

from ops.docs.markdown import page, slug

SHOWN = {"docs/decisions.md": "reference/decisions.html"}


def test_links_follow_the_page_and_those_to_nothing_keep_their_text() -> None:
    text = "# A page\n\n[here](../decisions.md#how-to), [there](../../models/x.sql)\n"
    text += "[out](https://example.org), [up](#a-page)\n"
    _, _, body = page(text, "docs/guides/a.md", SHOWN.get)
    assert '<a href="reference/decisions.html#how-to">here</a>' in body
    assert "there" in body
    assert "x.sql" not in body
    assert '<a href="https://example.org">out</a>' in body
    assert '<a href="#a-page">up</a>' in body


def test_sections_have_the_anchors_of_a_code_host() -> None:
    title, sections, body = page("# T\n\n## `make` it, now\n\n## Twice\n\n## Twice\n", "a.md", SHOWN.get)
    assert title == "T"
    assert sections == [("make-it-now", "make it, now"), ("twice", "Twice"), ("twice-1", "Twice")]
    assert 'id="twice-1"' in body
    assert slug("A KPI's alert") == "a-kpis-alert"


def test_html_in_markdown_is_text() -> None:
    assert "<script>" not in page("a <script>b</script>", "a.md", SHOWN.get)[2]
