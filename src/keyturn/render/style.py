"""Colour and width of a terminal, as a value that is handed down."""

from typing import Final

from msgspec import Struct

from keyturn.render.parts import Tone


class Style(Struct, frozen=True):
    """How text is drawn: whether ANSI colours may be used, and how many columns there are."""

    colour: bool = False
    width: int = 80


PLAIN: Final = Style()
"""No colour, 80 columns: a file, a pipe, a log."""

# SGR parameters (ECMA-48 8.3.117) out of the sixteen colours that every theme makes readable.
_CODES: Final = {
    Tone.DANGER: "31",
    Tone.CARE: "33",
    Tone.GAIN: "32",
    Tone.CHANGE: "36",
    Tone.QUIET: "2",
}


def paint(text: str, tone: Tone, style: Style, *, bold: bool = False) -> str:
    """Return text in the colour of ``tone``; it must have been made safe before."""
    if not style.colour or not text:
        return text
    return f"\x1b[{'1;' if bold else ''}{_CODES[tone]}m{text}\x1b[0m"


def strong(text: str, style: Style) -> str:
    """Return text in bold; it must have been made safe before."""
    return f"\x1b[1m{text}\x1b[0m" if style.colour and text else text
