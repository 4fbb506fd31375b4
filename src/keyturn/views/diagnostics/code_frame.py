"""Code frames: the source lines around a location, with a caret below the token."""

import re
from typing import Final

from keyturn.model.address import SourceLocation
from keyturn.views.diagnostics.masking import LinePiece, mask_lines
from keyturn.views.escaping import escape_line as safe
from keyturn.views.terminal import TerminalStyle, Tone, colorize, display_width

_TAB: Final = "    "
_CONTEXT_LINES: Final = 1
_MIN_WIDTH: Final = 20
_TOKEN: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^']|'')*'?|[^\s:,\[\]{}#]+(?::[^\s,\]}]+)*|\S")


def render_code_frame(
    text: str,
    origin: SourceLocation,
    style: TerminalStyle,
    *,
    tone: Tone,
    clear: frozenset[int] | None = None,
) -> list[str]:
    """Return the lines of a code frame; empty if the location is not in the text.

    ``clear`` are the lines whose values may be shown; None for all. A possible secret is always masked.
    Columns of ``origin`` count code points from 1, after a byte order mark; carets count terminal
    columns.
    """
    if not 0 < origin.line <= text.count("\n") + 1:
        return []
    first, last = max(1, origin.line - _CONTEXT_LINES), origin.line + _CONTEXT_LINES
    lines = mask_lines(text, first, last, clear)
    gutter = len(str(first + len(lines) - 1))
    source = text.removeprefix("\ufeff").split("\n")[origin.line - 1].removesuffix("\r")
    room = max(style.width - gutter - 4, _MIN_WIDTH)
    frame = []
    for number, pieces in enumerate(lines, first):
        here = number == origin.line and origin.column > 0
        shown, mark = _clip_line(
            "".join(map(_format_piece, pieces)),
            _locate_caret(pieces, source, origin.column) if here else None,
            room,
        )
        frame.append(f"{colorize(f' {number:>{gutter}} |', Tone.MUTED, style)} {shown}".rstrip())
        if mark:
            blank = colorize(f" {' ' * gutter} |", Tone.MUTED, style)
            frame.append(f"{blank} {' ' * mark[0]}{colorize('^' * mark[1], tone, style)}")
    return frame


def _format_piece(piece: LinePiece) -> str:
    return safe(piece.shown.replace("\t", _TAB))


def _locate_caret(pieces: tuple[LinePiece, ...], source: str, column: int) -> tuple[int, int]:
    token = _TOKEN.match(source, min(column - 1, len(source)))
    begin = column - 1
    end = max(token.end() if token else begin, begin + 1)
    start = _column_at(pieces, begin, after=False)
    return start, max(_column_at(pieces, end, after=True) - start, 1)


def _column_at(pieces: tuple[LinePiece, ...], index: int, *, after: bool) -> int:
    # A mask has no source columns: one of its ends stands for all of them.
    passed = 0
    for piece in pieces:
        inside = index - piece.start
        reached = inside <= piece.length if after else inside < piece.length
        if reached:
            if piece.verbatim:
                part = piece.shown[: max(inside, 0)]
                return passed + display_width(safe(part.replace("\t", _TAB)))
            return passed + (display_width(_format_piece(piece)) if after else 0)
        passed += display_width(_format_piece(piece))
    return passed


def _clip_line(shown: str, caret: tuple[int, int] | None, room: int) -> tuple[str, tuple[int, int] | None]:
    if display_width(shown) <= room:
        return shown, caret
    begin = caret[0] if caret else 0
    skip = max(0, begin - room // 2)
    cut, passed = 0, 0
    while passed < skip:
        passed += display_width(shown[cut])
        cut += 1
    part, used = ("… " if cut else ""), 2 if cut else 0
    for letter in shown[cut:]:
        if used + display_width(letter) > room - 2:
            part += " …"
            break
        part, used = part + letter, used + display_width(letter)
    if caret is None:
        return part, None
    start = begin - passed + (2 if cut else 0)
    return part, (start, max(1, min(caret[1], room - 2 - start)))
