"""A code frame: the lines around a finding, and a caret below the word that it is about."""

import re
from typing import Final

from keyturn.core.address import Origin
from keyturn.render.cells import cells
from keyturn.render.masking import Piece, masked
from keyturn.render.parts import Tone
from keyturn.render.safe import line as safe
from keyturn.render.style import Style, paint

_TAB: Final = "    "
_AROUND: Final = 1
_LEAST: Final = 20
_TOKEN: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^']|'')*'?|[^\s:,\[\]{}#]+(?::[^\s,\]}]+)*|\S")


def frame(
    text: str, origin: Origin, style: Style, *, tone: Tone, clear: frozenset[int] | None = None
) -> list[str]:
    """Return the lines of a frame; none where the place is not in the text.

    ``clear`` are the lines whose values may be shown, where it is not all of them; what may be a
    secret is masked in any case. Columns count code points from 1, after a byte order mark; carets
    count terminal columns.
    """
    if not 0 < origin.line <= text.count("\n") + 1:
        return []
    first, last = max(1, origin.line - _AROUND), origin.line + _AROUND
    lines = masked(text, first, last, clear)
    gutter = len(str(first + len(lines) - 1))
    source = text.removeprefix("\ufeff").split("\n")[origin.line - 1].removesuffix("\r")
    room = max(style.width - gutter - 4, _LEAST)
    drawn = []
    for number, pieces in enumerate(lines, first):
        here = number == origin.line and origin.column > 0
        shown, mark = _cut(
            "".join(map(_show, pieces)), _caret(pieces, source, origin.column) if here else None, room
        )
        drawn.append(f"{paint(f' {number:>{gutter}} |', Tone.QUIET, style)} {shown}".rstrip())
        if mark:
            blank = paint(f" {' ' * gutter} |", Tone.QUIET, style)
            drawn.append(f"{blank} {' ' * mark[0]}{paint('^' * mark[1], tone, style)}")
    return drawn


def _show(piece: Piece) -> str:
    return safe(piece.shown.replace("\t", _TAB))


def _caret(pieces: tuple[Piece, ...], source: str, column: int) -> tuple[int, int]:
    token = _TOKEN.match(source, min(column - 1, len(source)))
    begin = column - 1
    end = max(token.end() if token else begin, begin + 1)
    start = _at(pieces, begin, after=False)
    return start, max(_at(pieces, end, after=True) - start, 1)


def _at(pieces: tuple[Piece, ...], index: int, *, after: bool) -> int:
    # Within a mask there are no columns of the source: one of its ends stands for all of them.
    passed = 0
    for piece in pieces:
        inside = index - piece.start
        reached = inside <= piece.length if after else inside < piece.length
        if reached:
            if piece.verbatim:
                part = piece.shown[: max(inside, 0)]
                return passed + cells(safe(part.replace("\t", _TAB)))
            return passed + (cells(_show(piece)) if after else 0)
        passed += cells(_show(piece))
    return passed


def _cut(shown: str, caret: tuple[int, int] | None, room: int) -> tuple[str, tuple[int, int] | None]:
    if cells(shown) <= room:
        return shown, caret
    begin = caret[0] if caret else 0
    skip = max(0, begin - room // 2)
    cut, passed = 0, 0
    while passed < skip:
        passed += cells(shown[cut])
        cut += 1
    part, used = ("… " if cut else ""), 2 if cut else 0
    for letter in shown[cut:]:
        if used + cells(letter) > room - 2:
            part += " …"
            break
        part, used = part + letter, used + cells(letter)
    if caret is None:
        return part, None
    start = begin - passed + (2 if cut else 0)
    return part, (start, max(1, min(caret[1], room - 2 - start)))
