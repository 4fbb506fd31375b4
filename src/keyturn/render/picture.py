"""A picture of what depends on what: credentials, the connections that use them, and their work."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from keyturn.render.cells import cells
from keyturn.render.parts import Link
from keyturn.render.safe import html, line

DRAWN: Final = 40
"""The most boxes of one column; those that change come first."""

_COLUMNS: Final = (
    ("credential", "Credentials"),
    ("connection", "Connections"),
    ("", "Pipelines and syncs"),
    ("schedule", "Schedules"),
)
_WIDTH, _HEIGHT, _GAP, _LEFT, _TOP = 270, 34, 12, 20, 44
_STEP: Final = 360
_NAME: Final = 30
_TONES: Final = {
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


class _Box(Struct, frozen=True):
    node: str
    column: int
    row: int

    @property
    def x(self) -> int:
        return _LEFT + self.column * _STEP

    @property
    def y(self) -> int:
        return _TOP + self.row * (_HEIGHT + _GAP)


def picture(links: tuple[Link, ...], marked: Mapping[str, str]) -> str:
    """Return an SVG element, or nothing where there is nothing to draw.

    ``marked`` says in one word what happens to a node (``kind/name``). What is not drawn is said.
    """
    columns = _columns(links, marked)
    boxes = {
        node: _Box(node, column, row)
        for column, nodes in enumerate(_drawn(columns, links, marked))
        for row, node in enumerate(nodes)
    }
    if not boxes:
        return ""
    hidden = sum(map(len, columns)) - len(boxes)
    tall = _TOP + max(box.row + 1 for box in boxes.values()) * (_HEIGHT + _GAP) + (20 if hidden else 0)
    wide = _LEFT * 2 + max(2, *(box.column for box in boxes.values())) * _STEP + _WIDTH
    parts = [
        f'<svg class="picture" viewBox="0 0 {wide} {tall}" role="img" aria-labelledby="what told">',
        '<title id="what">What depends on what</title>',
        f'<desc id="told">{_told(links, boxes, marked)}</desc>',
        *_headings(columns),
        *_arrows(links, boxes),
        *(_box(box, marked.get(box.node, "")) for box in boxes.values()),
    ]
    if hidden:
        parts.append(f'<text class="column" x="{_LEFT}" y="{tall - 10}">{hidden:,} more are not drawn</text>')
    return "\n".join([*parts, "</svg>"])


def _columns(links: tuple[Link, ...], marked: Mapping[str, str]) -> tuple[list[str], ...]:
    linked = dict.fromkeys(node for link in links for node in (link.source, link.target))
    nodes = sorted({**linked, **dict.fromkeys(marked)}, key=lambda node: (node not in marked, node))
    return tuple([node for node in nodes if _column(node) == index] for index in range(len(_COLUMNS)))


def _drawn(
    columns: tuple[list[str], ...], links: tuple[Link, ...], marked: Mapping[str, str]
) -> Iterator[list[str]]:
    # Where there is no room for all, what hangs together is drawn: a box without its arrows says little.
    before: set[str] = set()
    for nodes in columns:
        near = {link.target for link in links if link.source in before}
        first = sorted(nodes, key=lambda node: (node not in marked, node not in near, node))[:DRAWN]
        yield [node for node in nodes if node in set(first)]
        before |= set(first)


def _column(node: str) -> int:
    kinds = [kind for kind, _ in _COLUMNS]
    kind = node.partition("/")[0]
    return kinds.index(kind if kind in kinds else "")


def _headings(columns: tuple[list[str], ...]) -> Iterator[str]:
    for index, (_, title) in enumerate(_COLUMNS):
        if columns[index]:
            yield f'<text class="column" x="{_LEFT + index * _STEP}" y="26">{title}</text>'


def _arrows(links: tuple[Link, ...], boxes: Mapping[str, _Box]) -> Iterator[str]:
    for link in links:
        source, target = boxes.get(link.source), boxes.get(link.target)
        if source and target:
            start, end = source.x + _WIDTH, target.x
            first, last = source.y + _HEIGHT // 2, target.y + _HEIGHT // 2
            bend = (start + end) // 2
            yield f'<path d="M{start} {first} C{bend} {first} {bend} {last} {end} {last}"/>'


def _box(box: _Box, word: str) -> str:
    room = _NAME - (cells(word) + 2 if word else 0)
    kind, _, own = box.node.partition("/")
    name = line(f"sync {own}" if kind == "sync" else own or box.node)
    short = name if cells(name) <= room else name[: max(room - 1, 1)] + "…"
    said = (
        f'<text class="word" x="{box.x + _WIDTH - 8}" y="{box.y + 22}" text-anchor="end">{html(word)}</text>'
        if word
        else ""
    )
    return (
        f'<g class="{_TONES.get(word, "calm")}"><title>{html(box.node)}</title>'
        f'<rect x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text x="{box.x + 10}" y="{box.y + 22}">{html(short)}</text>{said}</g>'
    )


def _told(links: tuple[Link, ...], boxes: Mapping[str, _Box], marked: Mapping[str, str]) -> str:
    changed = [f"{html(node)}: {html(marked[node])}" for node in boxes if node in marked]
    uses = [
        f"{html(link.target)} uses {html(link.source)}"
        for link in links
        if link.source in boxes and link.target in boxes
    ]
    return "; ".join([*changed, *uses]) + "."
