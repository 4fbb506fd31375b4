"""How many columns text takes on a terminal, and how it is folded at them."""

import unicodedata
from collections.abc import Iterator
from enum import Enum
from typing import Final

from msgspec import Struct


class Tone(Enum):
    """What a colour would say."""

    DANGER = "danger"
    WARNING = "care"
    SUCCESS = "gain"
    CHANGE = "change"
    MUTED = "quiet"


def display_width(text: str) -> int:
    """Return the columns of sanitised text: two for wide letters and emoji, none for marks."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def wrap_text(lead: str, text: str, width: int) -> str:
    """Return ``lead`` and text folded at blanks, later lines below the text; no word is broken."""
    hang = display_width(lead)
    # A lead that leaves no room is not worth hanging below.
    indent = " " * (hang if hang <= width // 2 else min(hang, 8))
    lines = list(_wrap_words(text, width, (hang, len(indent))))
    return f"\n{indent}".join([lead + lines[0], *lines[1:]]).rstrip()


def _character_width(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _wrap_words(text: str, width: int, leads: tuple[int, int]) -> Iterator[str]:
    words = text.split(" ")
    current, used = words[0], leads[0] + display_width(words[0])
    for word in words[1:]:
        size = display_width(word)
        if used + 1 + size > width:
            yield current.rstrip()
            current, used = word, leads[1] + size
        else:
            current, used = f"{current} {word}", used + 1 + size
    yield current


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
