"""Colour and width of a terminal, as a value that is handed down."""

from typing import Final

from msgspec import Struct

from keyturn.render.parts import Tone


class TerminalStyle(Struct, frozen=True):
    """How text is drawn: whether ANSI colours may be used, and how many columns there are."""

    color: bool = False
    width: int = 80


PLAIN_STYLE: Final = TerminalStyle()
"""No colour, 80 columns: a file, a pipe, a log."""

# SGR parameters (ECMA-48 8.3.117) out of the sixteen colours that every theme makes readable.
_SGR_CODES: Final = {
    Tone.DANGER: "31",
    Tone.WARNING: "33",
    Tone.SUCCESS: "32",
    Tone.CHANGE: "36",
    Tone.MUTED: "2",
}


def colorize(text: str, tone: Tone, style: TerminalStyle, *, bold: bool = False) -> str:
    """Return text in the colour of ``tone``; it must have been made safe before."""
    if not style.color or not text:
        return text
    return f"\x1b[{'1;' if bold else ''}{_SGR_CODES[tone]}m{text}\x1b[0m"


def make_bold(text: str, style: TerminalStyle) -> str:
    """Return text in bold; it must have been made safe before."""
    return f"\x1b[1m{text}\x1b[0m" if style.color and text else text
