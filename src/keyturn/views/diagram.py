"""A picture of what depends on what: credentials, the connections that use them, and their work."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from keyturn.views.escaping import escape_html, escape_line
from keyturn.views.terminal import display_width


class DependencyLink(Struct, frozen=True):
    """An arrow of the picture: ``source`` is used by ``target``; a node is ``kind/name``."""

    source: str
    target: str


MAX_COLUMN_BOXES: Final = 40
"""The most boxes of one column; those that change come first."""

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
    "in doubt": "care",
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


def draw_dependency_svg(links: tuple[DependencyLink, ...], marked: Mapping[str, str]) -> str:
    """Return an SVG element, or nothing where there is nothing to draw.

    ``marked`` says in one word what happens to a node (``kind/name``). What is not drawn is said.
    """
    columns = _arrange_columns(links, marked)
    boxes = {
        node: _NodeBox(node, column, row)
        for column, nodes in enumerate(_select_nodes(columns, links, marked))
        for row, node in enumerate(nodes)
    }
    if not boxes:
        return ""
    hidden = sum(map(len, columns)) - len(boxes)
    tall = _TOP + max(box.row + 1 for box in boxes.values()) * (_HEIGHT + _GAP) + (20 if hidden else 0)
    wide = _LEFT * 2 + max(2, *(box.column for box in boxes.values())) * _COLUMN_STEP + _WIDTH
    parts = [
        f'<svg class="picture" viewBox="0 0 {wide} {tall}" role="img" aria-labelledby="what told">',
        '<title id="what">What depends on what</title>',
        f'<desc id="told">{_describe_diagram(links, boxes, marked)}</desc>',
        *_draw_headings(columns),
        *_draw_arrows(links, boxes),
        *(_draw_box(box, marked.get(box.node, "")) for box in boxes.values()),
    ]
    if hidden:
        parts.append(f'<text class="column" x="{_LEFT}" y="{tall - 10}">{hidden:,} more are not drawn</text>')
    return "\n".join([*parts, "</svg>"])


def _arrange_columns(links: tuple[DependencyLink, ...], marked: Mapping[str, str]) -> tuple[list[str], ...]:
    linked = dict.fromkeys(node for link in links for node in (link.source, link.target))
    nodes = sorted({**linked, **dict.fromkeys(marked)}, key=lambda node: (node not in marked, node))
    return tuple(
        [node for node in nodes if _find_column(node) == index] for index in range(len(_COLUMN_TITLES))
    )


def _select_nodes(
    columns: tuple[list[str], ...], links: tuple[DependencyLink, ...], marked: Mapping[str, str]
) -> Iterator[list[str]]:
    # Where there is no room for all, what hangs together is drawn: a box without its arrows says little.
    before: set[str] = set()
    for nodes in columns:
        near = {link.target for link in links if link.source in before}
        first = sorted(nodes, key=lambda node: (node not in marked, node not in near, node))[
            :MAX_COLUMN_BOXES
        ]
        yield [node for node in nodes if node in set(first)]
        before |= set(first)


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


def _draw_box(box: _NodeBox, word: str) -> str:
    room = _NAME_WIDTH - (display_width(word) + 2 if word else 0)
    kind, _, own = box.node.partition("/")
    name = escape_line(f"sync {own}" if kind == "sync" else own or box.node)
    short = name if display_width(name) <= room else name[: max(room - 1, 1)] + "…"
    said = (
        f'<text class="word" x="{box.x + _WIDTH - 8}" y="{box.y + 22}" text-anchor="end">{escape_html(word)}</text>'
        if word
        else ""
    )
    return (
        f'<g class="{_MARK_CLASSES.get(word, "calm")}"><title>{escape_html(box.node)}</title>'
        f'<rect x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text x="{box.x + 10}" y="{box.y + 22}">{escape_html(short)}</text>{said}</g>'
    )


def _describe_diagram(
    links: tuple[DependencyLink, ...], boxes: Mapping[str, _NodeBox], marked: Mapping[str, str]
) -> str:
    changed = [f"{escape_html(node)}: {escape_html(marked[node])}" for node in boxes if node in marked]
    uses = [
        f"{escape_html(link.target)} uses {escape_html(link.source)}"
        for link in links
        if link.source in boxes and link.target in boxes
    ]
    return "; ".join([*changed, *uses]) + "."
