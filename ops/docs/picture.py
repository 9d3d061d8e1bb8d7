"""Pictures of boxes in columns with lines between them, as SVG that needs nothing but the page's own style sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

WIDTH, ACROSS, HEAD, LINE, BETWEEN, TITLE = 194, 70, 30, 20, 12, 26


@dataclass(frozen=True)
class Box:
    """One box: what stands in it, where it leads to, and the lines below its head."""

    key: str
    text: str
    href: str = ""
    kind: str = ""
    lines: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        return HEAD + LINE * len(self.lines) + (6 if self.lines else 0)


@dataclass(frozen=True)
class Edge:
    """A line from a box to a box, of one of their lines or of their heads (None)."""

    start: str
    end: str
    start_line: str | None = None
    end_line: str | None = None


@dataclass
class _Placed:
    box: Box
    column: int
    x: int
    y: int = field(default=0)

    def port(self, line: str | None) -> float:
        if line is None or line not in self.box.lines:
            return self.y + HEAD / 2
        return self.y + HEAD + LINE * (self.box.lines.index(line) + 0.5)


def draw(columns: Sequence[tuple[str, Sequence[Box]]], edges: Iterable[Edge], label: str) -> Markup:
    """The picture: columns from left to right, each with its title, its boxes centred."""
    tall = max(sum(box.height + BETWEEN for box in boxes) - BETWEEN for _, boxes in columns if boxes)
    placed: dict[str, _Placed] = {}
    for number, (_, boxes) in enumerate(columns):
        y = TITLE + (tall - sum(box.height + BETWEEN for box in boxes) + BETWEEN) // 2
        for box in boxes:
            placed[box.key] = _Placed(box, number, number * (WIDTH + ACROSS), y)
            y += box.height + BETWEEN
    across, down = len(columns) * (WIDTH + ACROSS) - ACROSS + 2, tall + TITLE + 2
    parts = [
        f'<svg class="picture" viewBox="-1 0 {across} {down}" width="{across}" height="{down}" role="group" ',
        Markup('aria-label="{}">').format(label),
    ]
    for number, (title, _) in enumerate(columns):
        parts.append(Markup('<text class="title" x="{}" y="14">{}</text>').format(number * (WIDTH + ACROSS), title))
    parts += [_line(placed, edge) for edge in edges if edge.start in placed and edge.end in placed]
    parts += [_box(one) for one in placed.values()]
    return Markup("".join(parts) + "</svg>")


def _line(placed: Mapping[str, _Placed], edge: Edge) -> Markup:
    start, end = placed[edge.start], placed[edge.end]
    y1, y2 = start.port(edge.start_line), end.port(edge.end_line)
    if start.column < end.column:
        x1, x2, bend1, bend2 = start.x + WIDTH, end.x, 1, -1
    elif start.column > end.column:
        x1, x2, bend1, bend2 = start.x, end.x + WIDTH, -1, 1
    else:
        x1, x2, bend1, bend2 = start.x + WIDTH, end.x + WIDTH, 1, 1
    reach = max(ACROSS * 0.6, abs(x2 - x1) * 0.45)
    path = f"M{x1} {y1:g}C{x1 + bend1 * reach:g} {y1:g} {x2 + bend2 * reach:g} {y2:g} {x2} {y2:g}"
    return Markup('<path class="{}" d="{}" data-start="{}" data-end="{}"/>').format(
        end.box.kind, path, edge.start, edge.end
    )


def _box(one: _Placed) -> Markup:
    box = one.box
    lines = Markup("").join(
        Markup('<text class="line" x="{}" y="{}">{}</text>').format(one.x + 10, one.port(line) + 4, line)
        for line in box.lines
    )
    shape = Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="5"/>').format(one.x, one.y, WIDTH, box.height)
    text = Markup('<text x="{}" y="{}">{}</text>').format(one.x + 10, one.y + HEAD / 2 + 4.5, box.text)
    inside = Markup('<g class="box {}" data-key="{}">{}{}{}</g>').format(box.kind, box.key, shape, text, lines)
    return Markup('<a href="{}">{}</a>').format(box.href, inside) if box.href else inside
