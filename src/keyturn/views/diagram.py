"""A dependency diagram as SVG: credentials, the connections that use them, pipelines, syncs and schedules."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from keyturn.views.escaping import escape_html, escape_line
from keyturn.views.terminal import display_width


class DependencyLink(Struct, frozen=True):
    """An arrow of the diagram: ``target`` uses ``source``; a node is ``kind/name``."""

    source: str
    target: str


MAX_COLUMN_BOXES: Final = 40
"""The maximum number of boxes in a column; changed nodes come first."""

_COLUMN_TITLES: Final = (
    ("credential", "Credentials"),
    ("connection", "Connections"),
    ("", "Pipelines and syncs"),
    ("schedule", "Schedules"),
)
_WIDTH, _HEIGHT, _GAP, _LEFT, _TOP = 270, 34, 12, 20, 44
_COLUMN_STEP: Final = 360
_NAME_WIDTH: Final = 30
_MARK_CLASSES: Final = {
    "exposed": "danger",
    "overdue": "danger",
    "expiring": "danger",
    "unused": "care",
    "retire": "danger",
    "replace": "danger",
    "rotate": "care",
    "uncertain": "care",
    "restore": "gain",
    "create": "gain",
    "rename": "change",
    "update": "change",
    "adopt": "quiet",
    "forget": "quiet",
}


class _NodeBox(Struct, frozen=True):
    node: str
    column: int
    row: int

    @property
    def x(self) -> int:
        return _LEFT + self.column * _COLUMN_STEP

    @property
    def y(self) -> int:
        return _TOP + self.row * (_HEIGHT + _GAP)


def draw_dependency_svg(links: tuple[DependencyLink, ...], marks: Mapping[str, str]) -> str:
    """Return an SVG element; an empty string if there are no nodes.

    ``marks`` maps a node (``kind/name``) to a word for its change. A last line counts the nodes that
    are not drawn.
    """
    columns = _arrange_columns(links, marks)
    boxes = {
        node: _NodeBox(node, column, row)
        for column, nodes in enumerate(_select_nodes(columns, links, marks))
        for row, node in enumerate(nodes)
    }
    if not boxes:
        return ""
    hidden = sum(map(len, columns)) - len(boxes)
    height = _TOP + max(box.row + 1 for box in boxes.values()) * (_HEIGHT + _GAP) + (20 if hidden else 0)
    width = _LEFT * 2 + max(2, *(box.column for box in boxes.values())) * _COLUMN_STEP + _WIDTH
    labels = 'role="img" aria-labelledby="title description"'
    parts = [
        f'<svg class="diagram" viewBox="0 0 {width} {height}" {labels}>',
        '<title id="title">Dependencies</title>',
        f'<desc id="description">{_describe_diagram(links, boxes, marks)}</desc>',
        *_draw_headings(columns),
        *_draw_arrows(links, boxes),
        *(_draw_box(box, marks.get(box.node, "")) for box in boxes.values()),
    ]
    if hidden:
        parts.append(
            f'<text class="column" x="{_LEFT}" y="{height - 10}">{hidden:,} more are not drawn</text>'
        )
    return "\n".join([*parts, "</svg>"])


def _arrange_columns(links: tuple[DependencyLink, ...], marks: Mapping[str, str]) -> tuple[list[str], ...]:
    linked = dict.fromkeys(node for link in links for node in (link.source, link.target))
    nodes = sorted({**linked, **dict.fromkeys(marks)}, key=lambda node: (node not in marks, node))
    return tuple(
        [node for node in nodes if _find_column(node) == index] for index in range(len(_COLUMN_TITLES))
    )


def _select_nodes(
    columns: tuple[list[str], ...], links: tuple[DependencyLink, ...], marks: Mapping[str, str]
) -> Iterator[list[str]]:
    # A column that is cut keeps the nodes with an arrow from the column before.
    previous: set[str] = set()
    for nodes in columns:
        linked = {link.target for link in links if link.source in previous}
        first = sorted(nodes, key=lambda node: (node not in marks, node not in linked, node))[
            :MAX_COLUMN_BOXES
        ]
        yield [node for node in nodes if node in set(first)]
        previous |= set(first)


def _find_column(node: str) -> int:
    kinds = [kind for kind, _ in _COLUMN_TITLES]
    kind = node.partition("/")[0]
    return kinds.index(kind if kind in kinds else "")


def _draw_headings(columns: tuple[list[str], ...]) -> Iterator[str]:
    for index, (_, title) in enumerate(_COLUMN_TITLES):
        if columns[index]:
            yield f'<text class="column" x="{_LEFT + index * _COLUMN_STEP}" y="26">{title}</text>'


def _draw_arrows(links: tuple[DependencyLink, ...], boxes: Mapping[str, _NodeBox]) -> Iterator[str]:
    for link in links:
        source, target = boxes.get(link.source), boxes.get(link.target)
        if source and target:
            start, end = source.x + _WIDTH, target.x
            first, last = source.y + _HEIGHT // 2, target.y + _HEIGHT // 2
            bend = (start + end) // 2
            yield f'<path d="M{start} {first} C{bend} {first} {bend} {last} {end} {last}"/>'


def _draw_box(box: _NodeBox, mark: str) -> str:
    room = _NAME_WIDTH - (display_width(mark) + 2 if mark else 0)
    kind, _, base = box.node.partition("/")
    name = escape_line(f"sync {base}" if kind == "sync" else base or box.node)
    short = name if display_width(name) <= room else name[: max(room - 1, 1)] + "…"
    label = (
        f'<text class="mark" x="{box.x + _WIDTH - 8}" y="{box.y + 22}" text-anchor="end">'
        f"{escape_html(mark)}</text>"
        if mark
        else ""
    )
    return (
        f'<g class="{_MARK_CLASSES.get(mark, "unchanged")}"><title>{escape_html(box.node)}</title>'
        f'<rect x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text x="{box.x + 10}" y="{box.y + 22}">{escape_html(short)}</text>{label}</g>'
    )


def _describe_diagram(
    links: tuple[DependencyLink, ...], boxes: Mapping[str, _NodeBox], marks: Mapping[str, str]
) -> str:
    changed = [f"{escape_html(node)}: {escape_html(marks[node])}" for node in boxes if node in marks]
    uses = [
        f"{escape_html(link.target)} uses {escape_html(link.source)}"
        for link in links
        if link.source in boxes and link.target in boxes
    ]
    return "; ".join([*changed, *uses]) + "."
